//! Features written by other programs: their metrics, and pictures of them.

mod figure;
mod plane;

use std::collections::{BTreeMap, BTreeSet};

use memdil_records::undefined_by_reason;
use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::Value;

use crate::block::{Block, Row, Section, Table};
use crate::text::{number, or_dash};

const MEASURED: &str = "Networks known by their features alone. Each network is one observation, so no claim is \
     tested on them. A dash means that the inputs leave a metric undefined or out; the metrics chapter lists what each needs.";

/// The features of one network, with what was measured on them.
#[derive(Clone, Debug)]
pub struct MeasuredFeatures {
    /// What the report calls it.
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
    /// use std::collections::BTreeSet;
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
            let new = drawn.insert(candidate);
            if !new {
                drawn.insert(last);
            }
        }
        drawn
    }

    fn is_corrupted(&self, i: usize) -> bool {
        self.clean_labels
            .as_ref()
            .is_some_and(|clean| clean[i] != self.labels[i])
    }
}

impl MeasuredFeatures {
    /// A number among the metrics.
    fn value(&self, path: &[&str]) -> Option<f64> {
        path.iter()
            .try_fold(&self.metrics, |value, key| value.get(key))?
            .as_f64()
    }
}

/// Metrics in reading order: where it is, what it is called, what it says.
const METRICS: [(&[&str], &str, &str); 27] = [
    (&["samples"], "training samples", ""),
    (&["dim"], "features", ""),
    (&["classes"], "classes", ""),
    (
        &["nc1"],
        "NC1",
        "spread within classes over spread between them; 0: collapsed",
    ),
    (
        &["nc1_ratio"],
        "NC1, ratio of traces",
        "variance within classes over variance of the class means",
    ),
    (
        &["cdnv"],
        "CDNV",
        "variance of two classes over their squared distance, mean over pairs",
    ),
    (
        &["nc2_etf"],
        "NC2, classifier",
        "distance of the classifier to a simplex frame; 0: is one",
    ),
    (
        &["nc2_etf_means"],
        "NC2, class means",
        "distance of the class means to a simplex frame",
    ),
    (
        &["nc2_equinorm"],
        "NC2, equal norms",
        "variation of the norms of the class means",
    ),
    (
        &["nc2_equiangle"],
        "NC2, equal angles",
        "deviation of the angles between class means from the simplex's",
    ),
    (
        &["nc2_orthogonal"],
        "NC2, orthogonal frame",
        "distance of the class means to an orthogonal frame, their limit under a ReLU",
    ),
    (
        &["nc3"],
        "NC3",
        "distance of classifier times class means to a simplex frame; 0: aligned",
    ),
    (
        &["nc4"],
        "NC4",
        "share of samples that classifier and nearest class mean put in the same class; 1: collapsed",
    ),
    (
        &["accuracy"],
        "training accuracy",
        "against the labels trained on",
    ),
    (
        &["ece"],
        "training ECE",
        "expected calibration error, 15 bins",
    ),
    (
        &["memorization_mean"],
        "memorization, mean",
        "distance of a corrupted sample from the mean of its true class",
    ),
    (
        &["memorized_as_given"],
        "memorised as given",
        "share of corrupted samples predicted as their wrong label",
    ),
    (&["test", "samples"], "test samples", ""),
    (
        &["test", "dilation"],
        "dilation",
        "NC1 of the test features",
    ),
    (
        &["test", "rho"],
        "rho",
        "radius of the test features over the distance of class means",
    ),
    (
        &["test", "radius"],
        "radius",
        "root mean square distance of a test feature from the mean of its class",
    ),
    (
        &["test", "separation"],
        "separation",
        "distance between class means of the test features",
    ),
    (&["test", "accuracy"], "test accuracy", ""),
    (&["test", "ece"], "test ECE", ""),
    (&["test", "brier"], "test Brier score", ""),
    (&["test", "nll"], "test NLL", ""),
    (
        &["test", "memorization_test_mean"],
        "memorization, test means",
        "distance of a corrupted sample from the test mean of its true class",
    ),
];

/// One row per metric, one column per network; rows that no network has are left out.
fn table(measured: &[MeasuredFeatures]) -> Table {
    let mut columns = vec![("metric".to_owned(), false)];
    columns.extend(measured.iter().map(|network| (network.name.clone(), true)));
    columns.push(("what it says".to_owned(), false));
    let row = |(path, name, meaning): (&[&str], &str, &str)| {
        let values: Vec<Option<f64>> = measured.iter().map(|network| network.value(path)).collect();
        values.iter().any(Option::is_some).then(|| {
            let counted = matches!(path.last(), Some(&("samples" | "dim" | "classes")));
            let shown = |value| {
                if counted {
                    format!("{value}")
                } else {
                    number(value)
                }
            };
            let mut cells = vec![name.to_owned()];
            cells.extend(values.into_iter().map(|value| or_dash(value, shown)));
            cells.push(meaning.to_owned());
            Row::of(cells)
        })
    };
    Table {
        columns,
        rows: METRICS.into_iter().filter_map(row).collect(),
        class: "wrap",
    }
}

/// Why metrics that the inputs should give have no value.
fn undefined(measured: &[MeasuredFeatures]) -> Vec<String> {
    let of = |network: &MeasuredFeatures| {
        let undefined = network.metrics.get("undefined").cloned();
        let undefined: BTreeMap<String, String> = undefined
            .and_then(|undefined| serde_json::from_value(undefined).ok())
            .unwrap_or_default();
        let name = network.name.clone();
        let lines = undefined_by_reason(&undefined).into_iter();
        lines.map(move |line| format!("{name}: {line}."))
    };
    measured.iter().flat_map(of).collect()
}

/// The section of all of them; `None` without one.
pub(crate) fn section(measured: &[MeasuredFeatures]) -> Option<Section> {
    let mut blocks = vec![Block::text(MEASURED)];
    blocks.extend(figure::figure(measured).map(Block::Figure));
    blocks.push(Block::Table(table(measured)));
    let lines = undefined(measured).into_iter();
    blocks.extend(lines.map(|line| Block::note("", line)));
    (!measured.is_empty()).then(|| Section {
        id: "measured".to_owned(),
        title: "Measured features".to_owned(),
        blocks,
    })
}
