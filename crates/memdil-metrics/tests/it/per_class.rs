//! Quantities per class, compared with their definitions and with the metrics of all classes.

use memdil_metrics::{
    Measure, Metrics, MetricsError, Moments, PerClass, Real, class_means, memorization, radius,
};
use ndarray::{Array2, ArrayView2, array};
use proptest::prelude::*;

use crate::common::{Random, assert_close, clusters};

/// All metrics of a problem with wrong labels and a random classifier.
fn measured(
    features: &Array2<f64>,
    labels: &[u32],
    clean: &[u32],
    classifier: &Array2<f64>,
) -> Metrics {
    Measure::new(features.view(), labels, classifier.nrows())
        .clean_labels(clean)
        .classifier(classifier.view())
        .per_class()
        .run()
        .unwrap()
}

/// The nearest of the class means of these samples.
fn nearest_means<T: Real>(
    features: ArrayView2<T>,
    labels: &[u32],
    classes: usize,
) -> Result<Vec<usize>, MetricsError> {
    Moments::of(features, labels, None, classes)?.nearest_means(features)
}

fn column<V>(found: &PerClass, value: impl Fn(&memdil_metrics::ClassMetrics) -> V) -> Vec<V> {
    found.classes.iter().map(value).collect()
}

/// The lowest class among those with the nearest mean.
fn nearest_naive(features: &Array2<f64>, means: &Array2<f64>) -> Vec<usize> {
    let nearest = |row: ndarray::ArrayView1<f64>| {
        let squares = means
            .rows()
            .into_iter()
            .map(|mean| (&row - &mean).mapv(|x| x * x).sum());
        let squares: Vec<f64> = squares.collect();
        (0..squares.len())
            .min_by(|&a, &b| squares[a].total_cmp(&squares[b]))
            .unwrap()
    };
    features.rows().into_iter().map(nearest).collect()
}

proptest! {
    #[test]
    fn nearest_means_equal_their_definition(
        seed: u64, classes in 2_usize..40, dim in 1_usize..40, noise in 1e-3..5.0_f64, shift in -1e3..1e3_f64,
    ) {
        let (features, labels) = clusters(seed, classes, dim, noise);
        let features = features + shift;
        let means = class_means(features.view(), &labels, classes).unwrap().means;
        let found = nearest_means(features.view(), &labels, classes).unwrap();
        prop_assert_eq!(&found, &nearest_naive(&features, &means));
        let by_column = features.t().as_standard_layout().into_owned();
        prop_assert_eq!(found, nearest_means(by_column.t(), &labels, classes).unwrap());
    }

    #[test]
    fn classes_add_up_to_the_whole(seed: u64, classes in 2_usize..9, dim in 1_usize..12, noise in 1e-2..3.0_f64) {
        let (features, labels) = clusters(seed, classes, dim, noise);
        let mut random = Random(!seed);
        // The first sample of each class is not corrupted.
        let clean: Vec<u32> = labels.iter().enumerate().map(|(row, &label)| {
            let spare = labels[..row].contains(&label);
            if spare && random.uniform() < 0.4 { random.below(classes) as u32 } else { label }
        }).collect();
        let classifier = random.matrix(classes, dim);
        let whole = measured(&features, &labels, &clean, &classifier);
        let found = whole.per_class.as_ref().unwrap();
        prop_assert_eq!(column(found, |of| of.class), (0..classes).collect::<Vec<_>>());
        let samples = column(found, |of| of.samples as f64);
        let (n, k) = (labels.len() as f64, classes as f64);
        prop_assert_eq!(samples.iter().sum::<f64>(), n);

        let weighted = |values: &[f64]| values.iter().zip(&samples).map(|(v, n_k)| v * n_k).sum::<f64>() / n;
        let within = weighted(&column(found, |of| of.variance));
        assert_close(within.sqrt(), radius(features.view(), &labels, classes).unwrap(), 1e-12);
        let lengths = column(found, |of| of.mean_norm);
        let between = lengths.iter().map(|length| length * length).sum::<f64>() / k;
        assert_close(within / between, whole.nc1_ratio.unwrap(), 1e-12);
        let agreeing = column(found, |of| of.nearest_mean.unwrap());
        let nearest = nearest_means(features.view(), &labels, classes).unwrap();
        let right = nearest.iter().zip(&labels).filter(|&(&nearest, &label)| nearest == label as usize);
        assert_close(weighted(&agreeing), right.count() as f64 / n, 1e-12);

        let expected = memorization(features.view(), &labels, &clean, classes).unwrap();
        let sums = column(found, |of| of.memorization_sum.unwrap());
        prop_assert!((sums.iter().sum::<f64>() - expected.sum).abs() <= 1e-12 * expected.sum);
        prop_assert_eq!(sums, expected.per_class);
        prop_assert_eq!(column(found, |of| of.corrupted.unwrap()), expected.counts);
        let means = column(found, |of| of.memorization_mean.unwrap_or(0.0) * of.corrupted.unwrap() as f64);
        prop_assert!((means.iter().sum::<f64>() - expected.sum).abs() <= 1e-12 * expected.sum);

        // nc3_dual is 2 - 2 <W, M> for W and M of norm 1.
        let rows: Vec<f64> = classifier.rows().into_iter().map(|row| row.dot(&row).sqrt()).collect();
        let norms = rows.iter().map(|l| l * l).sum::<f64>().sqrt() * (between * k).sqrt();
        let cosines = column(found, |of| of.classifier_alignment.unwrap());
        let product: f64 = (0..classes).map(|i| cosines[i] * rows[i] * lengths[i]).sum();
        prop_assert!((2.0 - 2.0 * product / norms - whole.nc3_dual.unwrap()).abs() < 1e-12);
        let angles = found.angles.as_ref().unwrap();
        let mut deviation = 0.0;
        for (i, row) in angles.iter().enumerate() {
            prop_assert!(row[i].unwrap().abs() < 1e-6);
            for (j, angle) in row.iter().enumerate().filter(|&(j, _)| j != i) {
                prop_assert_eq!(*angle, angles[j][i]);
                deviation += (angle.unwrap().to_radians().cos() + 1.0 / (k - 1.0)).abs();
            }
        }
        prop_assert!((deviation / (k * (k - 1.0)) - whole.nc2_equiangle.unwrap()).abs() < 1e-12);

        let worst = found.worst.unwrap();
        prop_assert!(agreeing.iter().all(|&share| share >= agreeing[worst]));
    }
}

#[test]
fn ties_between_means_go_to_the_lowest_class() {
    let features = array![[-1.0_f32], [1.0], [0.0], [3.0], [-3.0]];
    // The means are -2, 2 and 0, so the first two samples are between two means.
    let found = nearest_means(features.view(), &[0, 1, 2, 1, 0], 3).unwrap();
    assert_eq!(found, [0, 1, 2, 1, 0]);
    let features = array![[-2.0], [2.0], [0.0], [0.0]];
    let found = nearest_means(features.view(), &[0, 1, 0, 1], 2).unwrap();
    assert_eq!(found, [0, 1, 0, 0]);
}

#[test]
fn samples_of_other_sets_are_checked() {
    let features = Random(1).matrix(4, 2);
    let moments = Moments::of(features.view(), &[0, 0, 1, 1], None, 2).unwrap();
    let error = moments
        .nearest_means(array![[1.0, f64::NAN]].view())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "features: row 0 holds a NaN or an infinity"
    );
    let error = moments.nearest_means(array![[1.0]].view()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "features has 1 columns, but the first pass needs 2"
    );
    let none = Array2::<f32>::zeros((0, 2));
    assert_eq!(moments.nearest_means(none.view()), Ok(Vec::new()));
}

/// Class 0 at -3, class 1 at 3 with a larger variance, class 2 between them.
fn three_classes() -> (Array2<f64>, [u32; 6]) {
    let features = array![
        [-3.0, 1.0],
        [-3.0, -1.0],
        [3.0, 2.0],
        [3.0, -2.0],
        [0.0, 1.0],
        [0.0, -1.0]
    ];
    (features, [0, 0, 1, 1, 2, 2])
}

#[test]
fn undefined_values_of_one_class_do_not_affect_the_others() {
    let (features, labels) = three_classes();
    let classifier = array![[-2.0, 0.0], [0.0, 0.0], [1.0, 1.0]];
    let found = measured(&features, &labels, &labels, &classifier);
    let classes = found.per_class.unwrap();
    assert_eq!(column(&classes, |of| of.variance), [1.0, 4.0, 1.0]);
    assert_eq!(column(&classes, |of| of.mean_norm), [3.0, 3.0, 0.0]);
    assert_eq!(column(&classes, |of| of.nearest_mean), [Some(1.0); 3]);
    // All agree with the nearest mean, so the largest variance decides.
    assert_eq!(classes.worst, Some(1));
    let cosines = column(&classes, |of| of.classifier_alignment);
    assert_eq!(cosines, [Some(1.0), None, None]);
    let angles = classes.angles.unwrap();
    assert_eq!(angles[0], [Some(0.0), Some(180.0), None]);
    assert_eq!(angles[2], [None; 3]);
    let undefined = found.undefined.unwrap();
    assert_eq!(
        undefined["per_class.classifier_alignment"],
        "the norm of classifier is zero up to rounding, so it cannot be normalised"
    );
    let reason = "the mean of class 2 equals the global mean up to rounding, so its direction is not defined";
    assert_eq!(undefined["per_class.angles"], reason);
    let json = serde_json::to_value(&classes.classes[2]).unwrap();
    let expected = serde_json::json!({
        "class": 2, "samples": 2, "variance": 1.0, "mean_norm": 0.0, "nearest_mean": 1.0,
        "corrupted": 0, "memorization_sum": 0.0,
    });
    assert_eq!(json, expected);
}

#[test]
fn coinciding_means_leave_only_the_sizes() {
    let (_, labels) = three_classes();
    let features = array![[1.0], [-1.0], [1.0], [-1.0], [1.0], [-1.0]];
    let classifier = array![[1.0], [1.0], [1.0]];
    let found = measured(&features, &labels, &[0, 0, 1, 1, 1, 1], &classifier);
    let classes = found.per_class.unwrap();
    assert_eq!(column(&classes, |of| of.variance), [1.0; 3]);
    assert_eq!(column(&classes, |of| of.nearest_mean), [None; 3]);
    assert_eq!((classes.angles, classes.worst), (None, None));
    assert_eq!(classes.classes[1].memorization_mean, Some(1.0));
    let undefined = found.undefined.unwrap();
    let names = undefined
        .keys()
        .filter(|name| name.starts_with("per_class"));
    let expected = [
        "per_class.angles",
        "per_class.classifier_alignment",
        "per_class.nearest_mean",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
}

#[test]
fn classes_are_measured_only_on_request() {
    let (features, labels) = three_classes();
    let inputs = Measure::<_, f64, _>::new(features.view(), &labels, 3);
    assert_eq!(inputs.run().unwrap().per_class, None);
    let classes = inputs.per_class().run().unwrap().per_class.unwrap();
    assert_eq!(column(&classes, |of| of.corrupted), [None; 3]);
    assert_eq!(column(&classes, |of| of.classifier_alignment), [None; 3]);
    // The clean mean of class 2 is not defined.
    let found =
        Measure::<_, f64, _>::new(features.view(), &labels, 3).clean_labels(&[2, 0, 1, 1, 0, 0]);
    let found = found.per_class().run().unwrap();
    assert_eq!(
        column(&found.per_class.unwrap(), |of| of.memorization_sum),
        [None; 3]
    );
    let reason = &found.undefined.unwrap()["per_class.memorization_sum"];
    assert!(
        reason.contains("class 2 has no uncorrupted sample"),
        "{reason}"
    );
}
