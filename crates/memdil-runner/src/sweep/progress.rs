//! How far a sweep is.

use std::time::{Duration, Instant};

use memdil_records::{RunRecord, Status};

/// The progress of a sweep.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SweepProgress {
    /// Runs that are finished, those of earlier sweeps included.
    pub finished: usize,
    /// Runs of the manifest.
    pub runs: usize,
    /// Epochs of this sweep's runs that are done, and all of them; finished runs of earlier sweeps
    /// do not count.
    pub epochs: (usize, usize),
    /// Expected time to the end, once there is something to expect it from.
    pub remaining: Option<Duration>,
    /// Run that just ended, and how.
    pub ended: Option<(String, Status)>,
    /// Run that just failed, with the last line of its log.
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
