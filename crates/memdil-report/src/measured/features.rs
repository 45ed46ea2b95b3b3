//! Features written by other programs, and their metrics.

use std::collections::{BTreeMap, BTreeSet};

use memdil_records::undefined_by_reason;
use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::Value;

/// The features of one network, with their metrics.
#[derive(Clone, Debug)]
pub struct MeasuredFeatures {
    /// Its name in the report.
    pub name: String,
    /// The metrics by their names, as `memdil metrics --json` prints them.
    pub metrics: Value,
    /// Training features.
    pub train: Sample,
    /// Features of unseen samples.
    pub test: Option<Sample>,
}

/// Some of the samples of a data set, to be drawn.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Features, samples x features; all finite.
    pub features: Array2<f64>,
    /// Labels: as trained on, or of the test set.
    pub labels: Vec<usize>,
    /// Labels before noise, where they are known.
    pub clean_labels: Option<Vec<usize>>,
    /// How many samples there are, the ones not drawn among them.
    pub all: usize,
}

impl Sample {
    /// How many samples are worth drawing.
    pub const DRAWN: usize = 1000;

    /// The samples to draw of `all`, in their order: all, or some at random, the same each time.
    /// (Every k-th would leave out classes whose labels come in turn.)
    ///
    /// ```
    /// use std::collections::{BTreeMap, BTreeSet};
    ///
    /// use memdil_report::Sample;
    ///
    /// assert_eq!(Sample::drawn(3), BTreeSet::from([0, 1, 2]));
    /// let drawn = Sample::drawn(6000);
    /// assert_eq!(drawn.len(), Sample::DRAWN);
    /// assert_eq!(drawn.iter().map(|i| i % 10).collect::<BTreeSet<_>>().len(), 10);
    /// ```
    pub fn drawn(all: usize) -> BTreeSet<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut drawn = BTreeSet::new();
        // Floyd's sample: each step adds one of the first `last + 1`, or `last` itself, which no
        // step before could.
        for last in all - all.min(Self::DRAWN)..all {
            let candidate = ((u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64) as usize;
            if !drawn.insert(candidate) {
                drawn.insert(last);
            }
        }
        drawn
    }

    pub(super) fn is_corrupted(&self, i: usize) -> bool {
        let clean = self.clean_labels.as_ref();
        clean.is_some_and(|clean| clean[i] != self.labels[i])
    }

    /// The number of corrupted samples.
    pub(super) fn corrupted(&self) -> usize {
        (0..self.labels.len())
            .filter(|&i| self.is_corrupted(i))
            .count()
    }
}

impl MeasuredFeatures {
    /// A number among the metrics, `test.rho` of the test features.
    pub(super) fn value(&self, path: &str) -> Option<f64> {
        let mut keys = path.split('.');
        keys.try_fold(&self.metrics, |value, key| value.get(key))?
            .as_f64()
    }

    /// Why metrics that the inputs should give have no value.
    pub(super) fn undefined(&self) -> Vec<String> {
        let undefined = self.metrics.get("undefined").cloned().unwrap_or_default();
        let undefined: BTreeMap<String, String> =
            serde_json::from_value(undefined).unwrap_or_default();
        undefined_by_reason(&undefined)
    }
}
