//! Checks for finite values, matching lengths and valid labels.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use crate::error::{Counted, MetricsError, Subject};
use crate::kernels::Real;
use crate::label::{Label, class};

/// The first row that contains a NaN or an infinity.
pub(crate) fn non_finite_row<T: Real>(matrix: ArrayView2<'_, T>) -> Option<usize> {
    matrix
        .rows()
        .into_iter()
        .position(|row| row.iter().any(|&value| !value.into().is_finite()))
}

/// The reason why a sum over features is not finite: a non-finite row, or an overflow.
pub(crate) fn why_not_finite<T: Real>(
    features: ArrayView2<'_, T>,
    sum: &'static str,
) -> MetricsError {
    let array = Subject::Features;
    match non_finite_row(features) {
        Some(row) => MetricsError::NonFinite { array, row },
        None => MetricsError::SumOverflow { sum, array },
    }
}

/// Copies a small matrix, such as a classifier, to `f64` and checks that all values are finite.
pub(crate) fn to_f64<T: Real>(
    matrix: ArrayView2<'_, T>,
    array: Subject,
) -> Result<Array2<f64>, MetricsError> {
    match non_finite_row(matrix) {
        Some(row) => Err(MetricsError::NonFinite { array, row }),
        None => Ok(matrix.mapv(Into::into)),
    }
}

/// Copies a vector to `f64` and checks that all values are finite.
pub(crate) fn vector_to_f64<T: Real>(
    vector: ArrayView1<'_, T>,
    array: Subject,
) -> Result<Vec<f64>, MetricsError> {
    let column = to_f64(vector.insert_axis(Axis(1)), array)?;
    Ok(column.into_iter().collect())
}

pub(crate) fn check_two_classes(classes: usize) -> Result<(), MetricsError> {
    if classes < 2 {
        return Err(MetricsError::TooFewClasses { classes });
    }
    Ok(())
}

pub(crate) fn check_samples(array: Subject, rows: usize) -> Result<(), MetricsError> {
    if rows == 0 {
        return Err(MetricsError::NoSamples { array });
    }
    Ok(())
}

/// Checks that there is one label in `0..classes` for each row of `reference`, and likewise for the
/// clean labels.
pub(crate) fn check_labels<L: Label>(
    labels: &[L],
    clean_labels: Option<&[L]>,
    (reference, rows): (Subject, usize),
    classes: usize,
) -> Result<(), MetricsError> {
    let clean_labels = clean_labels.map(|clean| (clean, Subject::CleanLabels));
    for (labels, array) in [(labels, Subject::Labels)].into_iter().chain(clean_labels) {
        Counted::Entries.check(array, labels.len(), reference, rows)?;
        check_range(labels, array, classes)?;
    }
    Ok(())
}

/// Checks that each label is in `0..classes`.
pub(super) fn check_range<L: Label>(
    labels: &[L],
    array: Subject,
    classes: usize,
) -> Result<(), MetricsError> {
    let outside = |label: &L| !(0..classes as i128).contains(&label.wide());
    match labels.iter().position(outside) {
        Some(row) => Err(MetricsError::LabelOutOfRange {
            array,
            row,
            label: labels[row].wide(),
            classes,
        }),
        None => Ok(()),
    }
}

impl Counted {
    /// Checks that the size of `array` in this unit matches that of `reference`.
    pub(crate) fn check(
        self,
        array: Subject,
        found: usize,
        reference: Subject,
        expected: usize,
    ) -> Result<(), MetricsError> {
        if found == expected {
            return Ok(());
        }
        Err(MetricsError::LengthMismatch {
            array,
            unit: self,
            found,
            reference,
            expected,
        })
    }
}

/// The first class in `0..classes` that does not occur in the labels.
pub(crate) fn first_empty_class<L: Label>(labels: &[L], classes: usize) -> Option<usize> {
    first_missing(labels.iter().map(|&label| Some(class(label))), classes)
}

/// The first class in `0..classes` without samples.
///
/// `n` samples can belong to at most `n` classes, so `n + 1` flags are sufficient for any number of
/// classes. A mistyped number of classes therefore gives an error instead of a huge allocation.
pub(crate) fn first_missing(
    samples: impl ExactSizeIterator<Item = Option<usize>>,
    classes: usize,
) -> Option<usize> {
    let mut seen = vec![false; classes.min(samples.len() + 1)];
    for class in samples.flatten() {
        if let Some(slot) = seen.get_mut(class) {
            *slot = true;
        }
    }
    seen.iter().position(|&filled| !filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_empty_class_is_found_for_any_number_of_classes() {
        assert_eq!(first_empty_class(&[0, 2, 1], 3), None);
        assert_eq!(first_empty_class(&[0, 2, 0], 3), Some(1));
        assert_eq!(first_empty_class(&[0, 1], usize::MAX), Some(2));
        assert_eq!(first_missing([Some(0), None].into_iter(), 2), Some(1));
    }
}
