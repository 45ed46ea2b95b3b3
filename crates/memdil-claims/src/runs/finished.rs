//! Access to the records, epochs and features of finished runs.

use std::cell::OnceCell;
use std::collections::HashMap;

use memdil_records::{EpochRecord, RunFolder, RunRecord, RunSpec, Snapshot, Status, run_id};

use crate::error::ClaimError;

/// A finished run.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// The planned specification. For a search this is the specification of the search; the
    /// retrained run has other settings.
    pub planned: &'a RunSpec,
    /// The record of the run.
    pub record: &'a RunRecord,
    /// The folder with its epochs and features.
    pub folder: &'a RunFolder,
}

/// Finished runs by their index in the plan. The epochs of a run are read at most once.
pub(crate) struct FinishedRuns<'a> {
    runs: Vec<Option<Run<'a>>>,
}

pub(crate) struct Run<'a> {
    finished: Finished<'a>,
    epochs: OnceCell<Vec<EpochRecord>>,
}

impl<'a> FinishedRuns<'a> {
    pub(crate) fn new(planned: &[&RunSpec], finished: &[Finished<'a>]) -> Self {
        let mut by_id = HashMap::new();
        for run in finished {
            by_id.insert(full_id(run.planned), *run);
        }
        let run = |spec: &&RunSpec| {
            Some(Run {
                finished: *by_id.get(&full_id(spec))?,
                epochs: OnceCell::new(),
            })
        };
        Self {
            runs: planned.iter().map(run).collect(),
        }
    }

    /// The run with this index in the plan, or the reason why it has no value.
    pub(crate) fn get(&self, number: usize) -> Result<&Run<'a>, String> {
        let run = self.runs[number].as_ref().ok_or("not run")?;
        match run.finished.record.status {
            Status::Completed => Ok(run),
            Status::Diverged => Err("diverged".to_owned()),
        }
    }

    /// All of these runs, or the reason why one of them has no value.
    pub(crate) fn all(&self, numbers: &[usize]) -> Result<Vec<&Run<'a>>, String> {
        numbers.iter().map(|&number| self.get(number)).collect()
    }

    /// The subset of these runs that have a value.
    pub(crate) fn found(&self, numbers: &[usize]) -> Vec<&Run<'a>> {
        let found = numbers.iter().map(|&number| self.get(number));
        found.filter_map(Result::ok).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        (0..self.runs.len()).all(|number| self.get(number).is_err())
    }
}

/// The id of a run with all defaults filled in, since manifests of earlier versions omit some
/// settings.
fn full_id(spec: &RunSpec) -> String {
    let mut spec = spec.clone();
    spec.resolve();
    run_id(&spec)
}

impl Run<'_> {
    pub(crate) fn record(&self) -> &RunRecord {
        self.finished.record
    }

    /// The number of classes in the planned specification.
    pub(crate) fn classes(&self) -> usize {
        self.finished.planned.data.classes.len()
    }

    /// The value of a quantity at the last epoch.
    pub(crate) fn last(&self, quantity: &str) -> Result<f64, String> {
        let last = self.record().last.as_ref();
        let value = last.and_then(|last| last.quantity(quantity));
        value.ok_or_else(|| format!("{quantity} is not recorded or not defined"))
    }

    /// The evaluated epochs; empty if only the record was kept.
    pub(crate) fn epochs(&self) -> Result<&[EpochRecord], ClaimError> {
        if self.epochs.get().is_none() {
            let mut epochs = Vec::new();
            if self.finished.folder.metrics().exists() {
                epochs = self.finished.folder.epochs()?;
                epochs.retain(|epoch| epoch.test.is_some());
            }
            _ = self.epochs.set(epochs);
        }
        Ok(self.epochs.get().map_or(&[], Vec::as_slice))
    }

    /// The features after the last epoch, if they were kept.
    pub(crate) fn snapshot(&self) -> Result<Option<Snapshot>, ClaimError> {
        Ok(self.finished.folder.snapshot()?)
    }
}
