//! The figure and the table of classes, over a synthetic run and measured features.

use std::fs;

use memdil_records::{RunFolder, RunRecord, Snapshot, SnapshotPart, run_id};
use memdil_report::{MeasuredFeatures, Page, ReportOptions, Sample, write_report};
use ndarray::{Array1, Array2, array};
use serde_json::json;

use crate::common::{MadeUpRun, Values, check_page, claims_of, record, snapshot, write};

fn run(plan: &MadeUpRun, classes: &[u32]) -> RunRecord {
    let values = Values {
        dilation: 0.1,
        memorization: 0.9,
        accuracy: 0.9,
    };
    let mut record = record(plan, values);
    record.spec.data.classes = classes.to_vec();
    record.id = run_id(&record.spec);
    record
}

/// Four samples per class at the unit vector of their class, except the last, which has the label
/// 2, the clean label 1, and the features of class 1.
fn three_classes() -> Snapshot {
    let labels = Array1::from_iter((0..12).map(|i| i / 4));
    let mut clean_labels = labels.clone();
    clean_labels[11] = 1;
    let features = Array2::from_shape_fn((12, 3), |(i, k)| f32::from(clean_labels[i] == k as u32));
    let part = SnapshotPart {
        logits: features.clone(),
        features,
        labels,
        clean_labels,
    };
    Snapshot {
        train: part.clone(),
        test: part,
        classifier: Array2::eye(3),
        bias: array![0.0, 0.0, 0.0],
    }
}

/// The page and the Markdown text of these runs with the figure of classes.
fn report(records: &[RunRecord], fill: impl Fn(usize, &RunFolder)) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    for (index, record) in records.iter().enumerate() {
        fill(index, &write(&runs, record));
    }
    let mut experiment = claims_of("memorization-dilation", "claim = []", records);
    experiment.page = Page::read(&"figures = ['class-angles']".parse().unwrap()).unwrap();
    let mut options = ReportOptions::new(folder.path().join("out"));
    options.runs = Some(runs);
    options.experiments = vec![experiment];
    texts(&options)
}

fn texts(options: &ReportOptions) -> (String, String) {
    let report = write_report(options).unwrap();
    let page = fs::read_to_string(&report.html).unwrap();
    check_page(&page);
    (page, fs::read_to_string(&report.markdown).unwrap())
}

#[test]
fn the_classes_of_the_run_with_most_classes_are_shown() {
    let plan = MadeUpRun::new("CE", 0.4, 1);
    let records = [
        run(&plan, &[0, 1]),
        run(&plan, &[0, 1, 2]),
        run(&MadeUpRun::new("CE", 0.4, 0), &[0, 1, 2]),
    ];
    // The run with the lowest seed has no features.
    let (page, text) = report(&records, |index, folder| match index {
        0 => folder.write_snapshot(&snapshot(&plan, 1.0)).unwrap(),
        1 => folder.write_snapshot(&three_classes()).unwrap(),
        _ => {}
    });
    // The centred means are (8, -5, -3) / 12, (-4, 7, -3) / 12 and (-4, -2, 6) / 12.
    let angles = "CE, η = 0.4, seed 1: the smallest angle, 104°, is between 1 Trouser and 2 Pullover; the largest is \
                  133°, and those of a simplex frame are 120°.";
    assert!(page.contains(angles), "{page}");
    // Six coloured cells with their angles.
    let cells = ["133", "123", "104"].map(|angle| page.matches(&format!(">{angle}<")).count());
    assert_eq!(cells, [2, 2, 2]);
    let worst = "The worst class is 2 Pullover: 75.0% of its samples are nearest to its mean.";
    assert!(page.contains(worst), "{page}");
    for row in [
        "| 1 Trouser | 4 | 0 | 0.717 | 100.0% | 0.814 | 1 | 0 |",
        "| 2 Pullover | 4 | 0.375 | 0.624 | 75.0% | 0.802 | 0 | – |",
    ] {
        assert!(text.contains(row), "{text}");
    }
}

#[test]
fn two_classes_have_a_table_without_a_figure() {
    let plan = MadeUpRun::new("CE", 0.4, 0);
    let (page, text) = report(&[run(&plan, &[0, 1])], |_, folder| {
        folder.write_snapshot(&snapshot(&plan, 1.0)).unwrap();
    });
    assert!(!page.contains("<figure"));
    assert!(text.contains("| 1 Trouser | "), "{text}");
}

#[test]
fn an_empty_class_is_reported() {
    let mut features = three_classes();
    features.train.labels.mapv_inplace(|label| label.min(1));
    let plan = MadeUpRun::new("CE", 0.4, 0);
    let (page, _) = report(&[run(&plan, &[0, 1, 2])], |_, folder| {
        folder.write_snapshot(&features).unwrap();
    });
    assert!(page.contains("per_class has no value: "), "{page}");
    assert!(!page.contains("<figure") && !page.contains("Pullover"));
}

#[test]
fn measured_features_have_classes() {
    let class = |class: usize, nearest_mean: f64| json!({"class": class, "samples": 2, "variance": 0.5, "mean_norm": 1.5, "nearest_mean": nearest_mean});
    let per_class = json!({
        "classes": [class(0, 1.0), class(1, 0.5), class(2, 1.0)],
        "angles": [[0.0, 90.0, null], [90.0, 0.0, 150.0], [null, 150.0, 0.0]],
        "worst": 1,
    });
    let network = |name: &str, metrics| MeasuredFeatures {
        name: name.to_owned(),
        metrics,
        train: Sample {
            features: array![[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]],
            labels: vec![0, 1, 2],
            clean_labels: None,
            all: 3,
        },
        test: None,
    };
    let folder = tempfile::tempdir().unwrap();
    let mut options = ReportOptions::new(folder.path().join("out"));
    options.features = vec![network("mine", json!({"nc1": 0.1, "per_class": per_class}))];
    let (page, text) = texts(&options);
    assert!(page.contains("<figure id=\"class-angles\""), "{page}");
    assert!(
        page.contains("mine: The worst class is 1: 50.0% of its samples are nearest to its mean.")
    );
    assert!(
        text.contains("| 1 | 2 | 0.500 | 1.50 | 50.0% | – | – | – |"),
        "{text}"
    );
    options.features = vec![network("mine", json!({"nc1": 0.1}))];
    assert!(!texts(&options).0.contains("class-angles"));
}
