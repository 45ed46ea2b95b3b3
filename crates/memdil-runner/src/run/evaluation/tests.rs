use ndarray::{Array, array};

use super::*;

fn part(features: Array2<f32>, labels: Vec<u32>, clean_labels: Vec<u32>) -> SnapshotPart {
    let columns = labels.len();
    SnapshotPart {
        // Class 0 is predicted for every sample.
        logits: Array::from_shape_fn((columns, 3), |(_, k)| if k == 0 { 1.0 } else { 0.0 }),
        features,
        labels: labels.into(),
        clean_labels: clean_labels.into(),
    }
}

/// Six training samples of three classes, three test samples; the network has three features.
fn evaluation() -> Evaluation {
    let near = |i: usize, j: usize| if i % 3 == j { 4.0 } else { i as f32 };
    let features = |rows| Array2::from_shape_fn((rows, 3), |(i, j)| near(i, j));
    let labels = vec![0, 1, 2, 0, 1, 2];
    Evaluation {
        noisy: part(features(6), labels.clone(), labels),
        trained_on: 6,
        classes: 3,
        minority: Vec::new(),
        test: part(features(3), vec![0, 1, 2], vec![0, 1, 2]),
        classifier: Array2::eye(3),
        bias: array![0.5, 0.0, 0.0],
    }
}

fn measured(evaluation: &Evaluation) -> EpochRecord {
    let mut record = EpochRecord::default();
    evaluation
        .measure(&Loss::CrossEntropy {}, None, &mut record)
        .unwrap();
    record
}

fn undefined(record: &EpochRecord) -> Vec<&str> {
    record.undefined.keys().map(String::as_str).collect()
}

#[test]
fn metrics_of_correct_samples_are_undefined_without_a_class() {
    let record = measured(&evaluation());
    assert_eq!(
        undefined(&record),
        ["test.dilation_correct", "test.rho_correct"]
    );
    assert_eq!(
        record.undefined["test.rho_correct"],
        "class 1 has no test sample that is predicted right"
    );
}

#[test]
fn accuracy_and_calibration_are_defined_for_zero_features() {
    let mut evaluation = evaluation();
    evaluation.noisy.features.fill(0.0);
    evaluation.test.features.fill(0.0);
    let record = measured(&evaluation);
    let whole = measured(&self::evaluation());
    assert_eq!(record.accuracy, Some(1.0 / 3.0));
    assert_eq!(record.ece, whole.ece);
    assert_eq!(record.memorization_sum, Some(0.0));
    assert_eq!(record.nc1, None);
    assert!(record.undefined["nc1"].starts_with("the class means coincide"));
    let test = record.test.unwrap();
    assert_eq!(test.accuracy, 1.0 / 3.0);
    assert_eq!(test.radius, Some(0.0));
    assert_eq!(test.dilation, None);
}

#[test]
fn only_metrics_that_compare_classes_need_every_test_class() {
    let mut evaluation = evaluation();
    evaluation.test.labels = array![0, 1, 1];
    let record = measured(&evaluation);
    assert_eq!(
        undefined(&record),
        [
            "test.dilation",
            "test.dilation_correct",
            "test.rho",
            "test.rho_correct",
            "test.separation"
        ]
    );
    assert_eq!(
        record.undefined["test.dilation"],
        "class 2 has no test sample"
    );
    assert_eq!(record.nc1, measured(&self::evaluation()).nc1);
    assert!(record.test.unwrap().radius.is_some());
}

#[test]
fn collapse_is_defined_without_uncorrupted_samples_of_a_class() {
    let mut evaluation = evaluation();
    evaluation.noisy.clean_labels = array![0, 1, 0, 0, 1, 0];
    evaluation.noisy.labels = array![0, 1, 2, 1, 0, 2];
    evaluation.noisy.clean_labels[2] = 2;
    evaluation.noisy.labels[2] = 0;
    let record = measured(&evaluation);
    assert_eq!(record.memorization_sum, None);
    assert!(record.undefined["memorization_sum"].starts_with("class 2 has no uncorrupted"));
    assert!(record.undefined.contains_key("memorization_per_class"));
    assert!(record.nc1.is_some());
    assert!(record.memorization_test_mean.is_some());
    assert!(record.memorized_as_given.is_some());
}
