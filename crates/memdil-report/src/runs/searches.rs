//! The order and the labels of hyper-parameter searches.

use memdil_records::SearchRecord;

use super::groups::distinct;
use crate::loss::Loss;
use crate::text::{classes, setting, when};

/// Sorts by experiment, data, noise level, loss and seed, which is the order of the tables.
pub(super) fn sort(searches: &mut [SearchRecord]) {
    searches.sort_by_cached_key(|record| {
        let spec = &record.spec;
        let noise = (spec.noise.requested() * 1e9) as u64;
        let (experiment, source) = (spec.experiment.clone(), spec.data.source.name().to_owned());
        let data = (source, spec.data.classes.clone());
        let loss = Loss::from(&spec.loss);
        (experiment, data, noise, loss, spec.seed, record.id.clone())
    });
}

/// `LS, η = 0.2, seed 3`, with the experiment as a prefix if there are several.
pub(crate) fn label(record: &SearchRecord, all: &[&SearchRecord]) -> String {
    let several = distinct(all.iter().map(|one| experiment(one))).len() > 1;
    let before = when(several, experiment(record) + ", ");
    let (loss, seed) = (record.spec.loss.short_name(), record.spec.seed);
    let eta = setting(record.spec.noise.requested());
    format!("{before}{loss}, η = {eta}, seed {seed}")
}

/// Experiment, data set and classes.
fn experiment(record: &SearchRecord) -> String {
    let (experiment, data) = (&record.spec.experiment, &record.spec.data);
    let (source, classes) = (data.source.name(), classes(&data.classes));
    format!("{experiment}: {source} {classes}")
}
