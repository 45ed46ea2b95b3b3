//! What comes in: element types, and the checks that every function makes on its arguments.

use ndarray::{Array2, ArrayView2};

use crate::MetricsError;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// An element type that the metrics accept: `f32` or `f64`. Arithmetic is always done in `f64`.
pub trait Real: Copy + Into<f64> + sealed::Sealed {}

impl Real for f32 {}
impl Real for f64 {}

/// Shows every row to `visit` as a finite `f64` slice, whatever the layout, through one reused buffer.
pub(crate) fn for_each_row<T: Real>(
    matrix: ArrayView2<'_, T>,
    array: &'static str,
    mut visit: impl FnMut(usize, &[f64]),
) -> Result<(), MetricsError> {
    let mut buffer = vec![0.0; matrix.ncols()];
    for (row, values) in matrix.rows().into_iter().enumerate() {
        for (slot, &value) in buffer.iter_mut().zip(values) {
            *slot = value.into();
        }
        if !buffer.iter().all(|value| value.is_finite()) {
            return Err(MetricsError::NonFinite { array, row });
        }
        visit(row, &buffer);
    }
    Ok(())
}

/// A finite `f64` copy, for matrices of the size of a classifier.
pub(crate) fn to_f64<T: Real>(matrix: ArrayView2<'_, T>, array: &'static str) -> Result<Array2<f64>, MetricsError> {
    for_each_row(matrix, array, |_, _| ())?;
    Ok(matrix.mapv(Into::into))
}

pub(crate) fn check_two_classes(classes: usize) -> Result<(), MetricsError> {
    if classes < 2 { Err(MetricsError::TooFewClasses { classes }) } else { Ok(()) }
}

pub(crate) fn check_samples(array: &'static str, rows: usize) -> Result<(), MetricsError> {
    if rows == 0 { Err(MetricsError::NoSamples { array }) } else { Ok(()) }
}

/// One label per row of `reference`, each in `0..classes`.
pub(crate) fn check_labels(
    array: &'static str,
    labels: &[u32],
    reference: &'static str,
    rows: usize,
    classes: usize,
) -> Result<(), MetricsError> {
    check_length(array, "entries", labels.len(), reference, rows)?;
    match labels.iter().position(|&label| label as usize >= classes) {
        Some(row) => Err(MetricsError::LabelOutOfRange { array, row, label: labels[row], classes }),
        None => Ok(()),
    }
}

pub(crate) fn check_length(
    array: &'static str,
    unit: &'static str,
    found: usize,
    reference: &'static str,
    expected: usize,
) -> Result<(), MetricsError> {
    if found == expected {
        Ok(())
    } else {
        Err(MetricsError::LengthMismatch { array, unit, found, reference, expected })
    }
}

/// The first class in `0..classes` that no sample belongs to.
///
/// Of `n` samples at most `n` classes can be filled, so `n + 1` counters settle the question however large
/// `classes` is: a mistyped number of classes costs an error, not memory.
pub(crate) fn first_empty_class(
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
    fn the_first_empty_class_is_found_without_a_counter_per_class() {
        let some = |labels: &'static [usize]| labels.iter().map(|&label| Some(label));
        assert_eq!(first_empty_class(some(&[0, 2, 1]), 3), None);
        assert_eq!(first_empty_class(some(&[0, 2, 0]), 3), Some(1));
        assert_eq!(first_empty_class(some(&[0, 1]), usize::MAX), Some(2));
        assert_eq!(first_empty_class([Some(0), None].into_iter(), 2), Some(1));
    }

    #[test]
    fn rows_arrive_in_order_and_widened() {
        let matrix = ndarray::array![[1.0_f32, 2.0], [3.0, 4.0]];
        let mut seen = Vec::new();
        for_each_row(matrix.t(), "m", |row, values| seen.push((row, values.to_vec()))).unwrap();
        assert_eq!(seen, [(0, vec![1.0, 3.0]), (1, vec![2.0, 4.0])]);
    }
}
