//! A finished run.

use std::cmp::Ordering;
use std::fmt;

use memdil_records::{
    EpochRecord, RunFolder, RunRecord, RunSpec, SearchRecord, Status, TestRecord,
};

use super::panel::Panel;
use super::quantity::Quantity;
use crate::error::ReportError;
use crate::loss::Loss;

/// A finished run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) record: RunRecord,
    pub(crate) folder: RunFolder,
    panel: Panel,
    /// The planned specification, if a search replaced its settings.
    planned: Option<RunSpec>,
}

/// A noise level with a total order, for use as a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level(pub(crate) f64);

impl Eq for Level {}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Level {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Run {
    /// `search` is the search that produced this run by retraining.
    pub(super) fn new(folder: RunFolder, record: RunRecord, search: Option<&SearchRecord>) -> Self {
        let searched = search.map_or(&[][..], |search| &search.settings);
        Self {
            panel: Panel::new(&record.spec, searched),
            planned: search.map(|search| search.spec.clone()),
            record,
            folder,
        }
    }

    /// The planned specification; for a search, the specification from which it started.
    pub(crate) fn planned(&self) -> &RunSpec {
        self.planned.as_ref().unwrap_or(&self.record.spec)
    }

    /// The last epoch; `None` if the run did not complete.
    pub(crate) fn last(&self) -> Option<&EpochRecord> {
        let last = self.record.last.as_ref();
        last.filter(|_| self.record.status == Status::Completed)
    }

    pub(crate) fn test(&self) -> Option<&TestRecord> {
        self.last()?.test.as_ref()
    }

    /// The epochs that were evaluated on test images; empty if the file of metrics was not kept.
    pub(crate) fn epochs(&self) -> Result<Vec<EpochRecord>, ReportError> {
        if !self.folder.metrics().exists() {
            return Ok(Vec::new());
        }
        let mut epochs = self.folder.epochs()?;
        epochs.retain(|epoch| epoch.test.is_some());
        Ok(epochs)
    }

    pub(crate) fn diverged(&self) -> bool {
        self.record.status == Status::Diverged
    }

    pub(crate) fn loss(&self) -> Loss {
        Loss::from(&self.record.spec.loss)
    }

    /// The loss with its parameter, `LS 0.1`.
    pub(crate) fn loss_label(&self) -> String {
        self.record.spec.loss.label()
    }

    /// The parameter of the loss, if it has one.
    pub(crate) fn alpha(&self) -> Option<f64> {
        self.record.spec.loss.alpha()
    }

    /// The noise level that an experiment varies: the requested noise or, with latent classes, the
    /// share of latent labels.
    pub(crate) fn eta(&self) -> f64 {
        let split = self.record.spec.noise.split();
        split.unwrap_or(self.record.requested_noise)
    }

    pub(crate) fn level(&self) -> Level {
        Level(self.eta())
    }

    pub(crate) fn seed(&self) -> u64 {
        self.record.spec.seed
    }

    /// The value of a quantity; `None` if it is not finite or the run did not complete.
    pub(crate) fn value(&self, quantity: Quantity) -> Option<f64> {
        let last = self.last()?;
        let recorded = last.quantity(quantity.label_and_path().1);
        let value = match quantity {
            Quantity::Accuracy => recorded.map(|share| 100.0 * share),
            Quantity::RelativeMemorization => match last.memorization_mean {
                Some(mean) => Some(mean / last.separation?),
                // Without corrupted samples the sum is zero: nothing was memorised.
                None => last.memorization_sum.filter(|sum| *sum <= 0.0),
            },
            Quantity::TotalMemorization => {
                let samples = self.record.samples[0] as f64;
                match last.memorization_sum? {
                    sum if sum > 0.0 => Some(sum / samples / last.separation?),
                    sum => Some(sum),
                }
            }
            _ => recorded,
        };
        value.filter(|v| v.is_finite())
    }

    pub(crate) fn panel(&self) -> &Panel {
        &self.panel
    }
}
