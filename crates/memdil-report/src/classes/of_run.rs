//! The metrics of each class of one run of an experiment.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use memdil_metrics::{Measure, Metrics, MetricsError};
use memdil_records::{Snapshot, undefined_by_reason};

use super::values::{Classes, NamedClasses};
use crate::error::ReportError;
use crate::runs::Run;

/// The metrics of each class of a run, from the features of its training samples.
#[derive(Clone, Debug)]
pub(crate) struct RunClasses {
    /// Panel, loss, noise level and seed.
    pub(crate) network: String,
    /// `None` if the features cannot be measured, for example because a class is empty.
    pub(crate) classes: Option<NamedClasses>,
    /// The reasons of missing metrics.
    pub(crate) undefined: Vec<String>,
}

impl RunClasses {
    /// Measures one run: of the runs with features, the one with the most imbalanced classes and,
    /// among these, with the most classes, the highest noise level, the first loss and the lowest
    /// seed. `None` without features.
    pub(crate) fn of(runs: &[&Run]) -> Result<Option<Self>, ReportError> {
        let mut candidates = runs.to_vec();
        candidates.retain(|run| run.last().is_some());
        candidates.sort_by(|a, b| order(a, b));
        for run in candidates {
            if let Some(snapshot) = run.folder.snapshot()? {
                return Ok(Some(Self::measured(run, &snapshot)));
            }
        }
        Ok(None)
    }

    fn measured(run: &Run, snapshot: &Snapshot) -> Self {
        let latent = run.record.spec.noise.split().is_some();
        let (loss, eta, seed) = (run.loss_label(), run.eta(), run.seed());
        let network = format!("{}, {loss}, η = {eta}, seed {seed}", run.panel());
        let (found, undefined) = match metrics(snapshot, latent) {
            Ok(metrics) => (metrics.per_class, metrics.undefined.unwrap_or_default()),
            Err(error) => (None, [("per_class".to_owned(), error.to_string())].into()),
        };
        let undefined = undefined.into_iter();
        let undefined: BTreeMap<String, String> = undefined
            .filter(|(name, _)| name.starts_with("per_class"))
            .collect();
        Self {
            classes: found.map(|found| NamedClasses {
                network: network.clone(),
                names: names(run, latent),
                classes: Classes::from(&found),
            }),
            network,
            undefined: undefined_by_reason(&undefined),
        }
    }
}

/// The order in which runs are considered.
fn order(a: &Run, b: &Run) -> Ordering {
    let key = |run: &Run| {
        let classes = run.record.spec.data.classes.len();
        (
            Reverse(classes),
            Reverse(run.level()),
            run.loss(),
            run.seed(),
        )
    };
    let ratio = |run: &Run| {
        let imbalance = run.record.spec.data.imbalance;
        imbalance.map_or(1.0, |imbalance| imbalance.ratio())
    };
    ratio(b).total_cmp(&ratio(a)).then(key(a).cmp(&key(b)))
}

/// The metrics of the training samples. With latent classes, memorization is not measured: its
/// corrupted samples are those with a latent label, which is not a wrong label here.
fn metrics(snapshot: &Snapshot, latent: bool) -> Result<Metrics, MetricsError> {
    let part = &snapshot.train;
    let (labels, clean) = (part.labels.to_vec(), part.clean_labels.to_vec());
    let mut measure = Measure::new(part.features.view(), &labels, snapshot.bias.len())
        .classifier(snapshot.classifier.view())
        .per_class();
    if !latent {
        measure = measure.clean_labels(&clean);
    }
    measure.run()
}

fn names(run: &Run, latent: bool) -> Vec<String> {
    let data = &run.record.spec.data;
    let name = |&class: &u32| data.source.class_name(class);
    let mut names: Vec<String> = data.classes.iter().map(name).collect();
    if latent {
        let latent = names.iter().map(|name| format!("{name}, latent"));
        names.extend(latent.collect::<Vec<String>>());
    }
    names
}
