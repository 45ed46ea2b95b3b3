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
fn numbers_from_0_without_gaps_pass() {
    let found = check_class_numbers(&[2_u8, 0, 1, 0], Subject::Labels, 3, SharedClasses::Nowhere);
    assert_eq!(found, Ok(()));
}

#[test]
fn gaps_are_listed_with_how_to_renumber() {
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
fn arrays_of_the_same_classes_are_renumbered_alike() {
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
fn classes_that_begin_at_1() {
    let expected = "labels: they begin at 1 (1 to 3); subtract 1";
    assert_eq!(alone(&[1, 2, 3, 3], 4), expected);
    // The classifier has as many rows, so the largest label is outside the classes.
    assert_eq!(message(&[1, 2, 3], 3, SharedClasses::LastLayer), expected);
    let sparse = message(&[1, 3, 5], 5, SharedClasses::LastLayer);
    assert_eq!(sparse, "labels: they begin at 1 (1 to 5); subtract 1");
}

#[test]
fn values_that_mark_ignored_samples() {
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
        "labels: -1 occurs once; keep only the rows y != -1 of every array if it marks samples \
         without a label, else renumber them with np.unique(y, return_inverse=True)[1]"
    );
}

#[test]
fn two_values_are_two_classes_whatever_they_are() {
    let found = alone(&[0, 255], 256);
    assert!(
        found.starts_with("labels: only 0 and 255 of the class numbers"),
        "{found}"
    );
    let found = alone(&[-1, 1, 1], 2);
    assert!(
        found.starts_with("labels: they are -1 and 1, but classes count from 0;"),
        "{found}"
    );
}

#[test]
fn a_stray_label_is_named_by_its_row() {
    assert_eq!(
        alone(&[0, 1, 7, 2], 3),
        "labels: label 7 in row 2 is not a class: they are 0 to 2"
    );
}

#[test]
fn classes_at_the_end_without_samples() {
    assert_eq!(
        alone(&[0, 1], 3),
        "labels: no sample has the class number 2 of 0 to 2; add samples, or count fewer classes"
    );
    // A mistyped number of classes must not be walked through.
    let found = message(&[0, 1], usize::MAX, SharedClasses::LastLayer);
    assert!(
        found.contains("class number 2 to 18446744073709551614"),
        "{found}"
    );
    assert!(
        found.ends_with("in the last layer and the other arrays too"),
        "{found}"
    );
}

#[test]
fn one_class_only() {
    assert_eq!(
        alone(&[4, 4], 5),
        "labels: every one is 4; give samples of at least 2 classes, numbered from 0"
    );
}
