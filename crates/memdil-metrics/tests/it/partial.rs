//! Undefined metrics do not affect the values of the others.

use memdil_metrics::*;
use ndarray::{Array2, ArrayView2, Axis, array};
use proptest::prelude::*;

use crate::common::{Random, clusters};

fn names(metrics: &Metrics) -> Vec<&str> {
    let undefined = metrics.undefined.iter().flatten();
    undefined.map(|(name, _)| name.as_str()).collect()
}

fn reason<'a>(metrics: &'a Metrics, name: &str) -> &'a str {
    &metrics.undefined.as_ref().unwrap()[name]
}

fn refusal<T: Real, W: Real>(inputs: &Measure<'_, T, W, i64>) -> String {
    inputs.run().unwrap_err().to_string()
}

/// Three classes, far apart, with two samples each.
fn three_classes() -> (Array2<f64>, Vec<i64>) {
    let features = array![
        [0.0, 1.0],
        [1.0, 0.0],
        [8.0, 1.0],
        [9.0, 3.0],
        [0.0, 7.0],
        [2.0, 9.0]
    ];
    (features, vec![0, 0, 1, 1, 2, 2])
}

#[test]
fn constant_features_leave_metrics_of_the_last_layer() {
    let (features, labels) = three_classes();
    let dead = Array2::<f64>::zeros(features.dim());
    let (classifier, bias) = (
        array![[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]],
        array![0.1, 0.0, 0.0],
    );
    let inputs = Measure::new(dead.view(), &labels, 3)
        .classifier(classifier.view())
        .bias(bias.view());
    let found = inputs.run().unwrap();
    assert_eq!(found.accuracy, Some(1.0 / 3.0));
    assert_eq!(found.bias_collapse, Some(0.1));
    assert_eq!(found.nc2_etf, nc2_etf(classifier.view()).ok());
    let logits = Array2::from_shape_fn((6, 3), |(_, k)| bias[k]);
    assert_eq!(found.ece, ece(logits.view(), &labels).ok());
    assert_eq!(
        names(&found),
        [
            "cdnv",
            "hyperspherical_energy",
            "nc1",
            "nc1_ratio",
            "nc2_equiangle",
            "nc2_equinorm",
            "nc2_etf_means",
            "nc2_orthogonal",
            "nc3",
            "nc3_dual",
            "nc4"
        ]
    );
    assert_eq!(
        reason(&found, "nc4"),
        "the class means coincide up to rounding, so the between-class scatter is zero"
    );
}

#[test]
fn an_empty_test_class_leaves_radius_and_predictions() {
    let (features, labels) = three_classes();
    let clean = [0, 0, 1, 0, 2, 2];
    let (test, test_labels) = (features.slice(ndarray::s![..4, ..]), &labels[..4]);
    let (classifier, bias) = (
        array![[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]],
        array![2.0, 0.0, 0.0],
    );
    let inputs = Measure::new(features.view(), &labels, 3)
        .clean_labels(&clean)
        .classifier(classifier.view())
        .bias(bias.view())
        .test(test, test_labels);
    let found = inputs.run().unwrap();
    let logits = test.dot(&classifier.t()) + &bias;
    let of_test = found.test.as_ref().unwrap();
    assert_eq!(of_test.samples, Some(4));
    assert_eq!(of_test.accuracy, accuracy(logits.view(), test_labels).ok());
    assert_eq!(of_test.radius, radius(test, test_labels, 2).ok());
    // The only corrupted sample is of class 0, which has test samples.
    let around = memorization_test((features.view(), &labels, &clean), (test, test_labels), 3);
    assert_eq!(of_test.memorization_test_sum, around.ok().map(|m| m.sum));
    assert!(of_test.memorization_test_sum.is_some());
    assert_eq!(
        names(&found),
        [
            "corruption_bias",
            "test.cdnv",
            "test.dilation",
            "test.nc1_ratio",
            "test.rho",
            "test.separation"
        ]
    );
    assert_eq!(reason(&found, "test.rho"), "class 2 has no test sample");
}

#[test]
fn all_empty_test_classes_are_reported() {
    let (features, labels) = three_classes();
    let test = features.slice(ndarray::s![2..4, ..]);
    let inputs = Measure::<_, f64, _>::new(features.view(), &labels, 3).test(test, &labels[2..4]);
    let found = inputs.run().unwrap();
    assert_eq!(
        reason(&found, "test.dilation"),
        "classes 0 and 2 have no test sample"
    );
    assert_eq!(found.nc1, nc1(features.view(), &labels, 3).ok());
}

#[test]
fn rho_nc1_is_undefined_if_a_test_class_is_empty() {
    let (features, labels) = (array![[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1]);
    let test = features.slice(ndarray::s![..2, ..]);
    let inputs = Measure::<_, f64, _>::new(features.view(), &labels, 2).test(test, &labels[..2]);
    let found = inputs.run().unwrap();
    assert_eq!(reason(&found, "test.rho_nc1"), "class 1 has no test sample");
}

#[test]
fn memorization_test_requires_the_mean_of_the_test_class() {
    let (features, labels) = three_classes();
    let clean = [0, 0, 1, 2, 2, 2];
    let test = features.slice(ndarray::s![..4, ..]);
    let inputs = Measure::<_, f64, _>::new(features.view(), &labels, 3)
        .clean_labels(&clean)
        .test(test, &labels[..4]);
    let found = inputs.run().unwrap();
    let name = "test.memorization_test_sum";
    assert_eq!(reason(&found, name), "class 2 has no test sample");
    let own = memorization(features.view(), &labels, &clean, 3).unwrap();
    assert_eq!(found.memorization_sum, Some(own.sum));
}

#[test]
fn a_class_without_uncorrupted_samples_only_affects_memorization() {
    let (features, labels) = three_classes();
    let clean = [0, 2, 1, 2, 0, 0];
    let inputs = Measure::<_, f64, _>::new(features.view(), &labels, 3)
        .clean_labels(&clean)
        .test(features.view(), &labels);
    let found = inputs.run().unwrap();
    assert_eq!(
        names(&found),
        [
            "memorization_mean",
            "memorization_per_class",
            "memorization_sum"
        ]
    );
    assert!(reason(&found, "memorization_sum").starts_with("class 2 has no uncorrupted sample"));
    assert_eq!(found.nc1, nc1(features.view(), &labels, 3).ok());
    let table = corruption_bias(features.view(), &labels, &clean, 3).unwrap();
    assert_eq!(found.corruption_bias.unwrap()[0], table.row(0).to_vec());
    assert!(found.test.unwrap().memorization_test_sum.is_some());
}

#[test]
fn overflow_only_affects_the_metrics_concerned() {
    let (features, labels) = three_classes();
    let clean = [0, 0, 1, 0, 2, 2];
    let (classifier, bias) = (
        array![[1e308, 1e308], [-1e308, 0.0], [0.0, 1e308]],
        array![0.0, 0.0, 0.0],
    );
    let inputs = Measure::new(features.view(), &labels, 3)
        .clean_labels(&clean)
        .classifier(classifier.view())
        .bias(bias.view());
    let found = inputs.run().unwrap();
    assert_eq!(found.nc1, nc1(features.view(), &labels, 3).ok());
    assert_eq!(
        found.memorization_sum,
        memorization(features.view(), &labels, &clean, 3)
            .ok()
            .map(|m| m.sum)
    );
    for name in ["accuracy", "nll", "memorized_as_given", "nc4"] {
        assert!(
            reason(&found, name).contains("leaves the range of f64"),
            "{name}"
        );
    }
}

#[test]
fn logits_replace_a_missing_last_layer() {
    let (features, labels) = three_classes();
    let clean = [0, 0, 1, 0, 2, 2];
    let logits = array![
        [2.0, 0.5, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 3.0, 1.0],
        [4.0, 0.0, 0.0],
        [0.0, 0.0, 5.0],
        [1.0, 0.0, 0.5]
    ];
    let mut inputs = Measure::new(features.view(), &labels, 3)
        .clean_labels(&clean)
        .logits(logits.view())
        .test(features.view(), &labels)
        .test_logits(logits.view());
    let found = inputs.run().unwrap();
    assert_eq!(found.accuracy, accuracy(logits.view(), &labels).ok());
    assert_eq!(found.ece, ece(logits.view(), &labels).ok());
    assert_eq!(
        found.adaptive_ece,
        adaptive_ece(logits.view(), &labels).ok()
    );
    assert_eq!(found.brier, brier(logits.view(), &labels).ok());
    assert_eq!(found.nll, nll(logits.view(), &labels).ok());
    assert_eq!(found.memorized_as_clean, Some(1.0));
    let test = found.test.clone().unwrap();
    assert_eq!(test.accuracy, found.accuracy);
    assert_eq!(test.nll, found.nll);
    // With a complete last layer, the logits are ignored.
    let (classifier, bias) = (
        array![[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]],
        array![2.0, 0.0, 0.0],
    );
    inputs = inputs.classifier(classifier.view());
    assert_eq!(inputs.run().unwrap().accuracy, found.accuracy);
    let with_head = inputs.bias(bias.view()).run().unwrap();
    let own = features.dot(&classifier.t()) + &bias;
    assert_eq!(with_head.accuracy, accuracy(own.view(), &labels).ok());
}

#[test]
fn test_logits_require_labels_but_not_features() {
    let (features, labels) = three_classes();
    let logits = array![[2.0, 0.5, 0.0], [0.0, 1.0, 2.0]];
    let inputs = Measure::new(features.view(), &labels, 3).test_logits(logits.view());
    assert_eq!(
        refusal(&inputs),
        "test_logits requires test_labels; give both"
    );
    let test = inputs.test_labels(&[0, 1]).run().unwrap().test.unwrap();
    assert_eq!((test.samples, test.accuracy), (Some(2), Some(0.5)));
    assert_eq!(test.radius, None);
    assert_eq!(
        refusal(&inputs.test_labels(&[0])),
        "test_labels has 1 entries, but test_logits needs 2"
    );
}

#[test]
fn a_bias_requires_a_classifier() {
    let (features, labels) = three_classes();
    let bias = array![0.5, 0.0, 0.0];
    let inputs = Measure::new(features.view(), &labels, 3).bias(bias.view());
    assert_eq!(refusal(&inputs), "bias requires classifier; give both");
}

#[test]
fn logits_of_another_shape_are_an_error() {
    let (features, labels) = three_classes();
    let refused = |rows, columns| {
        let logits = Array2::<f64>::from_elem((rows, columns), 3.0);
        refusal(&Measure::new(features.view(), &labels, 3).logits(logits.view()))
    };
    assert_eq!(refused(5, 3), "logits has 5 rows, but features needs 6");
    assert_eq!(
        refused(6, 4),
        "logits has 4 columns, but the number of classes needs 3"
    );
}

#[test]
fn probabilities_are_an_error_but_their_logarithms_are_accepted() {
    let (features, labels) = three_classes();
    let logits = Random(3).matrix(6, 3) * 4.0;
    let exponentials = logits.mapv(f64::exp);
    let mut probabilities = &exponentials / &exponentials.sum_axis(Axis(1)).insert_axis(Axis(1));
    probabilities.row_mut(2).assign(&array![0.0, 1.0, 0.0]);
    let measured = |logits: ArrayView2<'_, f64>| {
        Measure::new(features.view(), &labels, 3)
            .logits(logits)
            .run()
    };
    let refused = measured(probabilities.view()).unwrap_err();
    assert_eq!(
        refused,
        MetricsError::Probabilities {
            array: Subject::Logits
        }
    );
    // The remedy in the message is correct: the softmax of log(p) is p.
    assert!(
        refused
            .to_string()
            .ends_with("or np.log(p.astype(float) + 1e-30)")
    );
    let remedy = probabilities.mapv(|p| (p + 1e-30).ln());
    let found = measured(remedy.view()).unwrap();
    let expected = probabilities
        .rows()
        .into_iter()
        .zip(&labels)
        .map(|(row, &label)| {
            let gap = |k: usize| row[k] - f64::from(k as i64 == label);
            (0..3).map(|k| gap(k).powi(2)).sum::<f64>() / 6.0
        });
    assert!((found.brier.unwrap() - expected.sum::<f64>()).abs() < 1e-14);
}

#[test]
fn probabilities_rounded_to_half_precision_are_recognised() {
    // Three decimal digits are coarser than float16 and two bits finer than bfloat16.
    let rounded = array![
        [0.998_f32, 0.001, 0.002],
        [0.334, 0.333, 0.334],
        [0.0, 1.0, 0.0]
    ];
    assert!(looks_like_probabilities(rounded.view()));
    assert!(!looks_like_probabilities(
        Array2::<f32>::zeros((0, 3)).view()
    ));
    assert!(!looks_like_probabilities(
        array![[0.5, 0.5], [-0.1, 1.1]].view()
    ));
    assert!(!looks_like_probabilities(
        array![[0.5, 0.5], [0.5, 0.6]].view()
    ));
    assert!(!looks_like_probabilities(array![[0.5, f64::NAN]].view()));
}

#[test]
fn invalid_inputs_remain_errors() {
    let (features, labels) = three_classes();
    let inputs = Measure::<_, f64, _>::new(features.view(), &labels, 4);
    assert_eq!(
        refusal(&inputs),
        "labels: no sample has class number 3 of 0 to 3; add samples, or reduce the number of \
         classes"
    );
    let (broken, shifted) = (
        array![[f64::NAN, 0.0], [0.0, 1.0], [1.0, 0.0]],
        [1, 2, 3, 1, 2, 3],
    );
    assert_eq!(
        refusal(&Measure::new(features.view(), &labels, 3).classifier(broken.view())),
        "classifier: row 0 holds a NaN or an infinity"
    );
    let inputs = Measure::<_, f64, _>::new(features.view(), &labels, 3);
    assert_eq!(
        refusal(&inputs.clean_labels(&shifted)),
        "clean_labels: the class numbers start at 1 (1 to 3); subtract 1"
    );
    assert_eq!(
        refusal(&inputs.test(features.view(), &shifted)),
        "test_labels: the class numbers start at 1 (1 to 3); subtract 1"
    );
}

#[test]
fn shifted_labels_are_distinguished_from_empty_classes() {
    let (features, labels) = three_classes();
    let shifted = [1, 2, 3, 1, 2, 3];
    // The largest label of all arrays implies four classes.
    let inputs = Measure::<_, f64, _>::new(features.view(), &labels, 4);
    assert_eq!(
        refusal(&inputs.test(features.view(), &shifted)),
        "test_labels: the class numbers start at 1 (1 to 3); subtract 1"
    );
    let marked = [0, 1, 2, 255, 0, 1];
    let inputs = Measure::<_, f64, _>::new(features.view(), &labels, 256);
    let found = refusal(&inputs.clean_labels(&marked));
    assert!(
        found.starts_with("clean_labels: 255 occurs once and marks"),
        "{found}"
    );
}

/// A random problem with degenerate features, labels or classifier. Each class has a training
/// sample.
struct Degenerate {
    features: Array2<f64>,
    labels: Vec<u32>,
    clean: Vec<u32>,
    test: (Array2<f64>, Vec<u32>),
    classifier: Array2<f64>,
}

impl Degenerate {
    fn new(seed: u64, classes: usize, dim: usize) -> Self {
        let mut random = Random(seed);
        let (mut features, labels) = clusters(seed, classes, dim, 0.5);
        let (mut test_features, mut test_labels) = clusters(!seed, classes, dim, 0.5);
        match random.below(4) {
            0 => features.fill(0.0),
            1 => features.fill(random.normal()),
            2 => {
                // Two classes at one point.
                let point = random.matrix(1, dim);
                for (mut row, &label) in features.rows_mut().into_iter().zip(&labels) {
                    if label < 2 {
                        row.assign(&point.row(0));
                    }
                }
            }
            _ => {}
        }
        let mut clean = labels.clone();
        let lost = random.below(classes) as u32;
        for label in &mut clean {
            if *label == lost || random.uniform() < 0.2 {
                *label = random.below(classes) as u32;
            }
        }
        if random.uniform() < 0.5 {
            let kept: Vec<usize> = (0..test_labels.len())
                .filter(|&row| test_labels[row] != lost)
                .collect();
            test_features = test_features.select(Axis(0), &kept);
            test_labels = kept.iter().map(|&row| test_labels[row]).collect();
        }
        if random.uniform() < 0.3 {
            test_features.fill(0.0);
        }
        let size = if random.uniform() < 0.2 { 0.0 } else { 1.0 };
        Self {
            features,
            labels,
            clean,
            test: (test_features, test_labels),
            classifier: random.matrix(classes, dim) * size,
        }
    }
}

proptest! {
    #[test]
    fn degenerate_inputs_only_affect_undefined_metrics(seed: u64, classes in 2_usize..6, dim in 1_usize..8) {
        let p = Degenerate::new(seed, classes, dim);
        let (h, y, w) = (p.features.view(), &p.labels, p.classifier.view());
        let (test, test_y) = (p.test.0.view(), &p.test.1);
        let bias = ndarray::Array1::zeros(classes);
        let inputs = Measure::new(h, y, classes)
            .clean_labels(&p.clean)
            .classifier(w)
            .bias(bias.view())
            .test(test, test_y);
        let found = inputs.run().unwrap();
        let of_test = found.test.clone().unwrap();
        let undefined = found.undefined.clone().unwrap_or_default();
        let logits = h.dot(&w.t());
        let test_logits = test.dot(&w.t());
        let train = (h, &y[..], &p.clean[..]);
        let moved = memorization(h, y, &p.clean, classes);
        let around_test = memorization_test(train, (test, test_y), classes);
        for (name, value, alone) in [
            ("nc1", found.nc1, nc1(h, y, classes)),
            ("nc1_ratio", found.nc1_ratio, nc1_ratio(h, y, classes)),
            ("cdnv", found.cdnv, cdnv(h, y, classes)),
            ("nc2_etf", found.nc2_etf, nc2_etf(w)),
            ("nc2_etf_means", found.nc2_etf_means, nc2_etf_means(h, y, classes)),
            ("nc2_equinorm", found.nc2_equinorm, nc2_equinorm(h, y, classes)),
            ("nc2_equiangle", found.nc2_equiangle, nc2_equiangle(h, y, classes)),
            ("nc2_orthogonal", found.nc2_orthogonal, nc2_orthogonal(h, y, classes)),
            ("nc3", found.nc3, nc3(h, y, w)),
            ("nc4", found.nc4, nc4(h, y, w, bias.view())),
            ("memorization_sum", found.memorization_sum, moved.map(|m| m.sum)),
            ("test.memorization_test_sum", of_test.memorization_test_sum, around_test.map(|m| m.sum)),
            ("test.dilation", of_test.dilation, dilation(test, test_y, classes)),
            ("test.rho", of_test.rho, rho(test, test_y, classes)),
            ("test.radius", of_test.radius, radius(test, test_y, classes)),
            ("accuracy", found.accuracy, accuracy(logits.view(), y)),
            ("ece", found.ece, ece(logits.view(), y)),
            ("test.brier", of_test.brier, brier(test_logits.view(), test_y)),
        ] {
            prop_assert_eq!(value.is_some(), !undefined.contains_key(name), "{}", name);
            prop_assert_eq!(value.is_some(), alone.is_ok(), "{}: {:?}", name, alone);
            if let (Some(value), Ok(alone)) = (value, alone) {
                prop_assert!((value - alone).abs() <= 1e-9 * alone.abs() + 1e-12, "{}: {} for {}", name, value, alone);
            }
        }
    }
}

#[test]
fn logits_give_the_same_metrics_with_and_without_features() {
    let features = array![
        [0.0_f64, 1.0],
        [1.0, 0.0],
        [3.0, 1.0],
        [4.0, 0.5],
        [0.5, 0.5],
        [3.5, 0.0]
    ];
    let logits = array![
        [2.0, 0.5],
        [1.0, 3.0],
        [-1.0, 0.5],
        [0.25, 0.5],
        [4.0, 0.0],
        [1.0, 0.0]
    ];
    let (labels, clean) = ([0, 0, 1, 1, 0, 1], [0, 0, 1, 1, 1, 0]);
    let inputs = Measure::new(features.view(), &labels, 2)
        .clean_labels(&clean)
        .logits(logits.view());
    let beside = inputs.run().unwrap();
    let test = (logits.view(), &labels[..]);
    let alone = measure_logits(logits.view(), &labels, Some(&clean), Some(test)).unwrap();
    assert_eq!(alone.accuracy, beside.accuracy);
    assert_eq!(alone.ece, beside.ece);
    assert_eq!(alone.adaptive_ece, beside.adaptive_ece);
    assert_eq!(alone.brier, beside.brier);
    assert_eq!(alone.nll, beside.nll);
    assert_eq!(alone.memorized_as_given, beside.memorized_as_given);
    assert_eq!(alone.memorized_as_clean, beside.memorized_as_clean);
    assert_eq!(alone.test.unwrap().ece, beside.ece);
    assert_eq!(alone.nc1, None);
}

#[test]
fn logits_alone_are_checked() {
    let logits = array![[2.0, 0.5], [1.0, 3.0]];
    let refuse = |labels: &[i64]| measure_logits(logits.view(), labels, None, None).unwrap_err();
    assert!(matches!(refuse(&[0]), MetricsError::LengthMismatch { .. }));
    assert!(refuse(&[1, 2]).to_string().contains("start at 1"));
    assert!(refuse(&[0, -1]).to_string().contains("-1"));
    let probabilities = array![[0.25, 0.75], [0.5, 0.5]];
    let error = measure_logits(probabilities.view(), &[0, 1], None, None).unwrap_err();
    assert!(
        matches!(error, MetricsError::Probabilities { .. }),
        "{error}"
    );
    // Classes may be empty.
    assert!(measure_logits(logits.view(), &[1, 1], None, None).is_ok());
}
