//! Features of networks that other programs trained, and their metrics.

use std::collections::{BTreeMap, BTreeSet};

use memdil_records::undefined_by_reason;
use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Deserialize;
use serde_json::Value;

use crate::classes::{Classes, NamedClasses};

/// The features of one network and their metrics.
#[derive(Clone, Debug)]
pub struct MeasuredFeatures {
    /// Its name in the report.
    pub name: String,
    /// The metrics by name, as `memdil metrics --json` prints them. The report has a table of the
    /// classes if they contain `per_class`.
    pub metrics: Value,
    /// Training features.
    pub train: Sample,
    /// Features of unseen samples.
    pub test: Option<Sample>,
}

/// The samples of a data set that are drawn.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Features, samples x features; all finite.
    pub features: Array2<f64>,
    /// The labels trained on, or the labels of the test set.
    pub labels: Vec<usize>,
    /// The labels without noise, if they are known.
    pub clean_labels: Option<Vec<usize>>,
    /// The number of samples, including those that are not drawn.
    pub all: usize,
}

impl Sample {
    /// The maximum number of samples that are drawn.
    pub const DRAWN: usize = 1000;

    /// The indices of the samples to draw: all of them, or a random subset of [`Sample::DRAWN`],
    /// which is the same for every call. (Every k-th sample could omit whole classes if the labels
    /// are periodic.)
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
        // Floyd's algorithm: each step draws an index in `0..=last`. If that index was drawn
        // before, the step adds `last`, which no earlier step can have drawn.
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
    /// A numeric metric by its path, such as `test.rho`.
    pub(super) fn value(&self, path: &str) -> Option<f64> {
        let mut keys = path.split('.');
        keys.try_fold(&self.metrics, |value, key| value.get(key))?
            .as_f64()
    }

    /// The metrics of each class, if they were requested. Classes have no names.
    pub(super) fn classes(&self) -> Option<NamedClasses> {
        let classes = self.metrics.get("per_class")?;
        Some(NamedClasses {
            network: self.name.clone(),
            names: Vec::new(),
            classes: Classes::deserialize(classes).ok()?,
        })
    }

    /// The reasons why metrics are undefined although the inputs would allow them.
    pub(super) fn undefined(&self) -> Vec<String> {
        let undefined = self.metrics.get("undefined").cloned().unwrap_or_default();
        let undefined: BTreeMap<String, String> =
            serde_json::from_value(undefined).unwrap_or_default();
        undefined_by_reason(&undefined)
    }
}
