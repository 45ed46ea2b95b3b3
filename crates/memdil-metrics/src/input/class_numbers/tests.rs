use super::*;

fn message(labels: &[i64], classes: usize, shared: SharedClasses) -> String {
    check_class_numbers(labels, Subject::Labels, classes, shared)
        .unwrap_err()
        .to_string()
}

fn alone(labels: &[i64], classes: usize) -> String {
    message(labels, classes, SharedClasses::Nowhere)
}

#[test]
fn contiguous_numbers_from_0_are_accepted() {
    let found = check_class_numbers(&[2_u8, 0, 1, 0], Subject::Labels, 3, SharedClasses::Nowhere);
    assert_eq!(found, Ok(()));
}

#[test]
fn gaps_are_reported_with_a_remedy() {
    assert_eq!(
        alone(&[3, 8, 8, 3], 9),
        "labels: only 3 and 8 of the class numbers 0 to 8 occur; \
         renumber them with np.unique(y, return_inverse=True)[1]"
    );
    let found = alone(&[0, 1, 2, 5, 7, 9, 11, 13, 15, 17], 18);
    assert!(
        found.contains("only 0 to 2, 5, 7, 9, 11 .. 17 of"),
        "{found}"
    );
}

#[test]
fn remedy_covers_arrays_that_share_the_classes() {
    let labels = message(&[3, 8], 9, SharedClasses::Labels);
    assert!(
        labels.ends_with("with np.searchsorted(np.unique(y), a)"),
        "{labels}"
    );
    let layer = message(&[3, 8], 9, SharedClasses::LastLayer);
    assert!(
        layer.ends_with("only the classes np.unique(y) of the last layer"),
        "{layer}"
    );
}

#[test]
fn class_numbers_that_start_at_1_are_an_error() {
    let expected = "labels: the class numbers start at 1 (1 to 3); subtract 1";
    assert_eq!(alone(&[1, 2, 3, 3], 4), expected);
    // The classifier has 3 rows, so label 3 is out of range.
    assert_eq!(message(&[1, 2, 3], 3, SharedClasses::LastLayer), expected);
    let sparse = message(&[1, 3, 5], 5, SharedClasses::LastLayer);
    assert_eq!(
        sparse,
        "labels: the class numbers start at 1 (1 to 5); subtract 1"
    );
}

#[test]
fn markers_of_ignored_samples_are_recognised() {
    assert_eq!(
        alone(&[0, 1, 255, 2, 255], 256),
        "labels: 255 occurs 2 times and marks ignored samples in segmentation data; \
         keep only the rows y != 255 of every array"
    );
    assert_eq!(
        alone(&[0, -100, 1], 2),
        "labels: -100 occurs once and marks ignored samples in PyTorch; \
         keep only the rows y != -100 of every array"
    );
    assert_eq!(
        alone(&[0, 1, -1, 1], 2),
        "labels: -1 occurs once; if it marks samples without a label, keep only the rows y != -1 \
         of every array, otherwise renumber them with np.unique(y, return_inverse=True)[1]"
    );
}

#[test]
fn two_distinct_values_are_always_two_classes() {
    let found = alone(&[0, 255], 256);
    assert!(
        found.starts_with("labels: only 0 and 255 of the class numbers"),
        "{found}"
    );
    let found = alone(&[-1, 1, 1], 2);
    assert!(
        found.starts_with("labels: the class numbers are -1 and 1, but must start at 0;"),
        "{found}"
    );
}

#[test]
fn a_single_invalid_label_is_reported_with_its_row() {
    assert_eq!(
        alone(&[0, 1, 7, 2], 3),
        "labels: label 7 in row 2 is not a class number; must be in [0, 2]"
    );
}

#[test]
fn trailing_classes_without_samples_are_an_error() {
    assert_eq!(
        alone(&[0, 1], 3),
        "labels: no sample has class number 2 of 0 to 2; add samples, or reduce the number of \
         classes"
    );
    // A mistyped number of classes must not lead to a loop over all of them.
    let found = message(&[0, 1], usize::MAX, SharedClasses::LastLayer);
    assert!(
        found.contains("class number 2 to 18446744073709551614"),
        "{found}"
    );
    assert!(
        found.ends_with("in the last layer and the other arrays as well"),
        "{found}"
    );
}

#[test]
fn a_single_class_is_an_error() {
    assert_eq!(
        alone(&[4, 4], 5),
        "labels: every label is 4; give samples of at least 2 classes, numbered from 0"
    );
}
