//! The progress of a sweep.

use std::time::{Duration, Instant};

use memdil_records::{RunRecord, Status};

/// The progress of a sweep.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SweepProgress {
    /// Number of finished runs, including those of earlier sweeps.
    pub finished: usize,
    /// Number of runs in the manifest.
    pub runs: usize,
    /// Epochs that this sweep has completed, and all epochs of its runs. Runs that earlier
    /// sweeps finished are not included.
    pub epochs: (usize, usize),
    /// Estimated remaining time; `None` before the first epoch.
    pub remaining: Option<Duration>,
    /// The run that just ended, and its outcome.
    pub ended: Option<(String, Status)>,
    /// The message of the run that just failed.
    pub failed: Option<String>,
}

impl SweepProgress {
    pub(crate) fn end(&mut self, record: RunRecord) {
        self.finished += 1;
        self.ended = Some((record.id, record.status));
    }

    pub(crate) fn advance(&mut self, epochs: usize, started: Instant) {
        self.epochs.0 = epochs;
        self.remaining = (epochs > 0).then(|| {
            let left = self.epochs.1.saturating_sub(epochs) as f64 / epochs as f64;
            started.elapsed().mul_f64(left)
        });
    }
}
