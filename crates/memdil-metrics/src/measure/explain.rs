//! Detailed errors for invalid labels.

use super::builder::Measure;
use crate::error::{MetricsError, OccurringLabels, SharedClasses, Subject};
use crate::input::{check_class_numbers, check_label_range};
use crate::label::Label;

/// Replaces an error about labels by one that lists the labels that occur and the remedy.
pub(super) fn explain<T, W, L: Label>(
    error: MetricsError,
    inputs: &Measure<'_, T, W, L>,
) -> MetricsError {
    let (labels, classes) = (inputs.labels, inputs.classes);
    let [clean, test] = [inputs.clean_labels, inputs.test_labels].map(Option::unwrap_or_default);
    let shared = if inputs.classifier.is_some() || inputs.logits.is_some() {
        SharedClasses::LastLayer
    } else if inputs.clean_labels.is_some() || inputs.test_labels.is_some() {
        SharedClasses::Labels
    } else {
        SharedClasses::Nowhere
    };
    if !matches!(error, MetricsError::EmptyClass { .. }) {
        let error = explain_range(error, labels, Subject::Labels, classes, shared);
        let (array, shared) = (Subject::CleanLabels, SharedClasses::Labels);
        return explain_range(error, clean, array, classes, shared);
    }
    let found = check_class_numbers(labels, Subject::Labels, classes, shared).err();
    // If the training labels are complete, empty classes may be due to other arrays, for example
    // clean labels that start at 1.
    let trained = OccurringLabels::of(labels, classes, shared).counts.len();
    let whole = check_class_numbers(labels, Subject::Labels, trained, shared).is_ok();
    let others = [(clean, Subject::CleanLabels), (test, Subject::TestLabels)];
    let mut others = others.into_iter().filter_map(|(labels, array)| {
        check_label_range(labels, array, trained, SharedClasses::Labels).err()
    });
    let cause = others.find(|other| whole && matches!(other, MetricsError::ClassNumbers { .. }));
    cause.or(found).unwrap_or(error)
}

/// Same as [`explain`] for the labels of the test set.
pub(super) fn explain_test<L: Label>(
    error: MetricsError,
    labels: &[L],
    classes: usize,
) -> MetricsError {
    let (error, array) = (error.in_test_set(), Subject::TestLabels);
    explain_range(error, labels, array, classes, SharedClasses::Labels)
}

/// Same as [`explain`] for labels outside the classes.
fn explain_range<L: Label>(
    error: MetricsError,
    labels: &[L],
    name: Subject,
    classes: usize,
    shared: SharedClasses,
) -> MetricsError {
    match error {
        MetricsError::LabelOutOfRange { array, .. } if array == name => {
            let found = check_label_range(labels, name, classes, shared);
            found.err().unwrap_or(error)
        }
        _ => error,
    }
}
