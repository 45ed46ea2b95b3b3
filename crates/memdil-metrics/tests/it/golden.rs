//! Comparison with values computed by the authors' released code; see tests/golden/README.md.

use std::fs::File;

use memdil_metrics::{
    MetricsError, Subject, accuracy, bias_collapse, class_means, ece, memorization, nc1, nc2_etf,
    nc3, uncorrupted_class_means,
};
use ndarray::{Array, Array1, Array2, ArrayD, Axis, Dimension, OwnedRepr};
use ndarray_npy::{NpzReader, ReadableElement};

use crate::common::assert_close;

pub(crate) struct Golden(NpzReader<File>);

impl Golden {
    pub(crate) fn open(name: &str) -> Self {
        let path = format!("{}/tests/golden/{name}.npz", env!("CARGO_MANIFEST_DIR"));
        Self(NpzReader::new(File::open(path).unwrap()).unwrap())
    }

    pub(crate) fn read<T: ReadableElement, D: Dimension>(&mut self, name: &str) -> Array<T, D> {
        self.0
            .by_name::<OwnedRepr<T>, D>(name)
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn scalar(&mut self, name: &str) -> f64 {
        let value: ArrayD<f64> = self.read(name);
        assert_eq!(value.len(), 1, "{name}");
        value.sum()
    }

    pub(crate) fn matrix(&mut self, name: &str) -> Array2<f64> {
        self.read(name)
    }

    pub(crate) fn labels(&mut self, name: &str) -> Vec<u32> {
        let labels: Array1<i64> = self.read(name);
        labels
            .iter()
            .map(|&label| u32::try_from(label).unwrap())
            .collect()
    }
}

#[track_caller]
fn assert_same<D: Dimension>(found: &Array<f64, D>, expected: &Array<f64, D>) {
    assert_eq!(found.shape(), expected.shape());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-13, "{found} for {expected}");
    }
}

const CASES: [&str; 2] = ["metrics_a", "metrics_b"];
const TOLERANCE: f64 = 1e-9;

#[test]
fn neural_collapse() {
    for case in CASES {
        let mut golden = Golden::open(case);
        let (h, labels, w) = (
            golden.matrix("h"),
            golden.labels("labels"),
            golden.matrix("W"),
        );
        let b: Array1<f64> = golden.read("b");
        let classes = w.nrows();

        let found = nc1(h.view(), &labels, classes).unwrap();
        assert_close(found, golden.scalar("counted_NC1"), TOLERANCE);
        assert_close(found, golden.scalar("NC1_numpy_check"), TOLERANCE);
        let logits = golden.matrix("logits");
        let expected = golden.scalar("counted_NC1_logits");
        assert_close(
            nc1(logits.view(), &labels, classes).unwrap(),
            expected,
            TOLERANCE,
        );

        assert_close(
            nc2_etf(w.view()).unwrap(),
            golden.scalar("counted_NC2_ETF"),
            TOLERANCE,
        );
        assert_close(
            nc3(h.view(), &labels, w.view()).unwrap(),
            golden.scalar("counted_NC3_WH"),
            TOLERANCE,
        );
        let found = bias_collapse(h.view(), w.view(), b.view()).unwrap();
        assert_close(found, golden.scalar("counted_NC4_Wh_plus_b"), TOLERANCE);
    }
}

#[test]
fn single_precision_features() {
    for case in CASES {
        let mut golden = Golden::open(case);
        let h = golden.matrix("h").mapv(|value| value as f32);
        let classes = golden.matrix("W").nrows();
        let found = nc1(h.view(), &golden.labels("labels"), classes).unwrap();
        assert_close(found, golden.scalar("counted_NC1"), 1e-6);
        let single: ArrayD<f32> = golden.read("f32_counted_NC1");
        assert_close(found, f64::from(single.sum()), 1e-4);
    }
}

#[test]
fn predictions() {
    for case in CASES {
        let mut golden = Golden::open(case);
        let (logits, labels) = (golden.matrix("logits"), golden.labels("labels"));
        assert_close(
            ece(logits.view(), &labels).unwrap(),
            golden.scalar("ECE15_f64"),
            TOLERANCE,
        );
        assert_close(
            100.0 * accuracy(logits.view(), &labels).unwrap(),
            golden.scalar("acc1_plain"),
            TOLERANCE,
        );
    }
}

#[test]
fn means_and_memorization() {
    for case in CASES {
        let mut golden = Golden::open(case);
        let (h, observed, clean) = (
            golden.matrix("h"),
            golden.labels("labels"),
            golden.labels("orig_labels"),
        );
        let classes = golden.matrix("W").nrows();

        let means = class_means(h.view(), &observed, classes).unwrap();
        let counts: Array1<i64> = golden.read("n_per_class_noisy");
        assert!(
            means
                .counts
                .iter()
                .zip(&counts)
                .all(|(&found, &expected)| found as i64 == expected)
        );
        assert_same(&means.means, &golden.matrix("counted_mu_c"));
        let global: Array1<f64> = golden.read("counted_mu_G");
        assert_same(&means.global, &global);

        let means = uncorrupted_class_means(h.view(), &observed, &clean, classes).unwrap();
        assert_same(&means.means, &golden.matrix("uncorrupted_centroids"));

        let found = memorization(h.view(), &observed, &clean, classes).unwrap();
        assert_close(found.sum, golden.scalar("mem_sum"), TOLERANCE);
        assert_close(found.mean.unwrap(), golden.scalar("mem_mean"), TOLERANCE);
        let per_class: Array1<f64> = golden.read("mem_per_class");
        for (found, expected) in found.per_class.iter().zip(per_class.iter()) {
            assert_close(*found, *expected, TOLERANCE);
        }
        let flipped: Array1<i64> = golden.read("mem_n_flipped");
        assert_eq!(
            found.counts,
            flipped
                .iter()
                .map(|&count| count as usize)
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_single_nan_is_reported_with_its_row() {
    let mut golden = Golden::open("metrics_b");
    let (mut h, labels) = (golden.matrix("h"), golden.labels("labels"));
    h.index_axis_mut(Axis(0), 321)[17] = f64::NAN;
    let expected = MetricsError::NonFinite {
        array: Subject::Features,
        row: 321,
    };
    assert_eq!(nc1(h.view(), &labels, 10), Err(expected));
}
