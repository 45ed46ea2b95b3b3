//! Values of other tools' formulas, obtained from the metrics with the factors that the book
//! documents; see tests/golden/README.md.

use memdil_metrics::*;
use ndarray::{Array1, Array2};

use crate::common::assert_close;
use crate::golden::Golden;

const TOLERANCE: f64 = 1e-9;

/// The small set of the golden file: four classes of nine samples, six features.
struct Set {
    file: Golden,
    features: Array2<f64>,
    labels: Vec<u32>,
    classifier: Array2<f64>,
    bias: Array1<f64>,
    logits: Array2<f64>,
}

impl Set {
    fn open() -> Self {
        let mut file = Golden::open("other_tools");
        Self {
            features: file.matrix("h"),
            labels: file.labels("labels"),
            classifier: file.matrix("W"),
            bias: file.read("b"),
            logits: file.matrix("logits"),
            file,
        }
    }

    fn metrics(&self) -> Metrics {
        Measure::new(self.features.view(), &self.labels, 4)
            .classifier(self.classifier.view())
            .bias(self.bias.view())
            .per_class()
            .run()
            .unwrap()
    }

    #[track_caller]
    fn check(&mut self, name: &str, found: f64) {
        assert_close(found, self.file.scalar(name), TOLERANCE);
    }

    #[track_caller]
    fn check_each(&mut self, name: &str, found: impl IntoIterator<Item = f64>) {
        let expected: Array1<f64> = self.file.read(name);
        let found: Vec<f64> = found.into_iter().collect();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_close(*found, expected, TOLERANCE);
        }
    }
}

#[test]
fn rhubarbwu_neural_collapse() {
    let mut set = Set::open();
    let found = set.metrics();
    let (d, k) = (6.0, 4.0);
    let nc1 = found.nc1.unwrap();
    set.check("rhubarbwu_covariance_pinv", nc1 * d / k);
    set.check("rhubarbwu_covariance_svd", nc1 * d);
    set.check("rhubarbwu_covariance_pinv_later", nc1);
    set.check(
        "rhubarbwu_covariance_ratio",
        found.nc1_ratio.unwrap() * d / k,
    );
    set.check("rhubarbwu_variability_cdnv", found.cdnv.unwrap());
    set.check("rhubarbwu_simplex_etf_error", found.nc2_etf_means.unwrap());
    set.check("rhubarbwu_self_duality_error", found.nc3.unwrap());
    set.check(
        "rhubarbwu_kernel_stats_log",
        found.hyperspherical_energy.unwrap(),
    );
    // Their linear classifier has no bias.
    let no_bias = Array1::zeros(4);
    let (h, w) = (set.features.clone(), set.classifier.clone());
    let agreement = nc4(h.view(), &set.labels, w.view(), no_bias.view()).unwrap();
    set.check("rhubarbwu_clf_ncc_agreement", agreement);
    assert!((found.nc4.unwrap() - agreement).abs() > 1e-3);
}

#[test]
fn rhubarbwu_neural_collapse_per_class() {
    let mut set = Set::open();
    let found = set.metrics().per_class.unwrap();
    let lengths: Vec<f64> = found.classes.iter().map(|of| of.mean_norm).collect();
    set.check_each("rhubarbwu_mean_norms", lengths.iter().copied());
    let cosines: Vec<f64> = found
        .classes
        .iter()
        .map(|of| of.classifier_alignment.unwrap())
        .collect();
    set.check_each("rhubarbwu_similarities_cos", cosines.iter().copied());
    let distances = cosines.iter().map(|cosine| (2.0 - 2.0 * cosine).sqrt());
    set.check_each("rhubarbwu_distance_norms", distances);
    let products = set.file.matrix("rhubarbwu_interference_grid");
    let angles = found.angles.unwrap();
    for ((i, j), &expected) in products.indexed_iter() {
        let cosine = angles[i][j].unwrap().to_radians().cos();
        assert_close(lengths[i] * lengths[j] * cosine, expected, TOLERANCE);
    }
    // The spread of these lengths relative to their mean is nc2_equinorm.
    let mean = lengths.iter().sum::<f64>() / 4.0;
    let variance = lengths
        .iter()
        .map(|length| (length - mean).powi(2))
        .sum::<f64>()
        / 4.0;
    assert_close(
        set.metrics().nc2_equinorm.unwrap(),
        variance.sqrt() / mean,
        TOLERANCE,
    );
}

#[test]
fn tding1_neural_collapse() {
    let mut set = Set::open();
    let found = set.metrics();
    set.check("tding1_collapse_metric", found.nc1.unwrap());
    set.check("tding1_ETF_metric", found.nc2_etf.unwrap());
    set.check("tding1_WH_relation_metric", found.nc3.unwrap());
    // They subtract the bias.
    let (h, w, negated) = (set.features.clone(), set.classifier.clone(), -&set.bias);
    let difference = bias_collapse(h.view(), w.view(), negated.view()).unwrap();
    set.check("tding1_Wh_b_relation_metric", difference);
}

#[test]
fn torchmetrics_calibration() {
    let mut set = Set::open();
    let found = ece(set.logits.view(), &set.labels).unwrap();
    set.check("torchmetrics_MulticlassCalibrationError", found);
}

#[test]
fn cleanlab_label_quality() {
    let mut set = Set::open();
    let found = logit_scores(set.logits.view(), &set.labels).unwrap();
    let confidences: Vec<f64> = found.losses.iter().map(|loss| (-loss).exp()).collect();
    set.check_each("cleanlab_self_confidence", confidences.iter().copied());
    let samples = confidences.iter().zip(&found.margins);
    let margins = samples.map(|(p, margin)| (p * (1.0 - (-margin).exp()) + 1.0) / 2.0);
    set.check_each("cleanlab_normalized_margin", margins);
    let entropy = |row: ndarray::ArrayView1<f64>| {
        let exponentials = row.mapv(f64::exp);
        let p = &exponentials / exponentials.sum();
        -p.mapv(|p| p * p.ln()).sum() / 4.0_f64.ln()
    };
    let rows = set.logits.rows().into_iter().map(entropy).zip(&confidences);
    let ratios: Vec<f64> = rows.map(|(entropy, p)| entropy / p).collect();
    let scores = ratios.iter().map(|ratio| ratio.ln_1p() / ratio);
    set.check_each("cleanlab_confidence_weighted_entropy", scores);
}

#[test]
fn scikit_learn_ranking() {
    let mut set = Set::open();
    let scores: Array1<f64> = set.file.read("scores");
    let positives: Vec<bool> = set
        .file
        .labels("positives")
        .iter()
        .map(|&p| p == 1)
        .collect();
    let found = ranking(&scores.to_vec(), &positives).unwrap().unwrap();
    set.check("sklearn_roc_auc_score", found.auroc);
    set.check("sklearn_average_precision_score", found.average_precision);
}
