//! Finished runs as claims read them.

use std::cell::OnceCell;
use std::collections::HashMap;

use memdil_records::{EpochRecord, RunFolder, RunRecord, RunSpec, Snapshot, Status, run_id};

use crate::ClaimError;

/// A finished run.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// The planned specification. After a search it is that of the search, whose retrained run has
    /// other settings.
    pub planned: &'a RunSpec,
    /// Its record.
    pub record: &'a RunRecord,
    /// Where its epochs and features are.
    pub folder: &'a RunFolder,
}

/// Finished runs by their planned specification; epochs and features are read once.
pub(crate) struct Runs<'a> {
    by_id: HashMap<String, Run<'a>>,
}

pub(crate) struct Run<'a> {
    finished: Finished<'a>,
    epochs: OnceCell<Vec<EpochRecord>>,
}

impl<'a> Runs<'a> {
    pub(crate) fn new(finished: &[Finished<'a>]) -> Self {
        let run = |&finished: &Finished<'a>| {
            (
                key(finished.planned),
                Run {
                    finished,
                    epochs: OnceCell::new(),
                },
            )
        };
        Self {
            by_id: finished.iter().map(run).collect(),
        }
    }

    /// The run of a planned specification, or why it has no value.
    pub(crate) fn get(&self, planned: &RunSpec) -> Result<&Run<'a>, String> {
        let run = self.by_id.get(&key(planned)).ok_or("not run")?;
        match run.finished.record.status {
            Status::Completed => Ok(run),
            Status::Diverged => Err("diverged".to_owned()),
        }
    }
}

/// The name of a run with every setting written out: manifests of earlier versions leave some out.
fn key(spec: &RunSpec) -> String {
    let mut spec = spec.clone();
    spec.resolve();
    run_id(&spec)
}

impl Run<'_> {
    pub(crate) fn record(&self) -> &RunRecord {
        self.finished.record
    }

    /// A number of the last epoch.
    pub(crate) fn last(&self, quantity: &str) -> Result<f64, String> {
        let value = self
            .record()
            .last
            .as_ref()
            .and_then(|last| last.quantity(quantity));
        value.ok_or_else(|| format!("{quantity} is not recorded or not defined"))
    }

    /// The evaluated epochs; none where only the record was kept.
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

    /// Features after the last epoch.
    pub(crate) fn snapshot(&self) -> Result<Option<Snapshot>, ClaimError> {
        Ok(self.finished.folder.snapshot()?)
    }
}
