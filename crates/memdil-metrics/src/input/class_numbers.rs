//! Checks of class numbers against the number of classes.

use super::checks::{check_range, first_empty_class};
use crate::error::{MetricsError, OccurringLabels, Problem, SharedClasses, Subject};
use crate::label::Label;

/// Checks that every class number in `0..classes` occurs, and no others.
///
/// `array` is the name of the labels in messages.
///
/// # Errors
/// [`MetricsError::ClassNumbers`], whose message lists the class numbers that occur and the remedy,
/// or [`MetricsError::LabelOutOfRange`] for a single invalid label.
///
/// # Examples
/// ```
/// use memdil_metrics::{SharedClasses, Subject, check_class_numbers};
///
/// let labels = [3, 8, 8];
/// let found = check_class_numbers(&labels, Subject::Labels, 9, SharedClasses::Nowhere);
/// assert_eq!(
///     found.unwrap_err().to_string(),
///     "labels: only 3 and 8 of the class numbers 0 to 8 occur; \
///      renumber them with np.unique(y, return_inverse=True)[1]"
/// );
/// ```
pub fn check_class_numbers<L: Label>(
    labels: &[L],
    array: Subject,
    classes: usize,
    shared: SharedClasses,
) -> Result<(), MetricsError> {
    check_label_range(labels, array, classes, shared)?;
    if first_empty_class(labels, classes).is_none() {
        return Ok(());
    }
    let labels = Box::new(OccurringLabels::of(labels, classes, shared));
    Err(MetricsError::ClassNumbers { array, labels })
}

/// Checks that all labels are in `0..classes`. Classes may be empty.
///
/// # Errors
/// Same as [`check_class_numbers`], except that classes may be empty.
pub(crate) fn check_label_range<L: Label>(
    labels: &[L],
    array: Subject,
    classes: usize,
    shared: SharedClasses,
) -> Result<(), MetricsError> {
    let Err(stray) = check_range(labels, array, classes) else {
        return Ok(());
    };
    let labels = Box::new(OccurringLabels::of(labels, classes, shared));
    // A single invalid label is reported with its row; the other problems concern the whole array.
    let of_the_array = match labels.problem() {
        Problem::Ignored(..) | Problem::Negative(..) | Problem::BelowZero => true,
        Problem::FromOne => labels.largest() == classes as i128,
        _ => false,
    };
    Err(if of_the_array {
        MetricsError::ClassNumbers { array, labels }
    } else {
        stray
    })
}

#[cfg(test)]
mod tests;
