//! The progress of searches.

use std::time::Instant;

use memdil_records::ManifestLine;

use crate::search::plan::Search;
use crate::sweep::progress::SweepProgress;

/// The progress of all rounds together.
pub(crate) struct Overall {
    started: Instant,
    runs: usize,
    trials: usize,
    epochs: usize,
    /// Epochs of runs that are not in a manifest yet.
    future: usize,
    /// Epochs trained in earlier rounds, and in the current round.
    trained: [usize; 2],
}

impl Overall {
    pub(crate) fn new(searches: &[Search]) -> Self {
        let trials = searches.iter().map(|search| search.search.trials).sum();
        let epochs = |search: &Search| {
            let whole = search.spec.training.epochs;
            search.search.trials * search.search.trial_epochs(whole) + whole
        };
        let epochs = searches.iter().map(epochs).sum();
        Self {
            started: Instant::now(),
            runs: trials + searches.len(),
            trials,
            epochs,
            future: epochs,
            trained: [0; 2],
        }
    }

    pub(crate) fn begin(&mut self, lines: &[ManifestLine]) {
        let known: usize = lines.iter().map(|line| line.spec.training.epochs).sum();
        self.future = self.epochs.saturating_sub(known);
        self.trained = [self.trained.iter().sum(), 0];
    }

    pub(crate) fn with(&mut self, round: &SweepProgress, retraining: bool) -> SweepProgress {
        let [finished, future] = if retraining {
            [self.trials, 0]
        } else {
            [0, self.future]
        };
        let left = future + round.epochs.1.saturating_sub(round.epochs.0);
        self.trained[1] = round.epochs.0;
        let trained: usize = self.trained.iter().sum();
        SweepProgress {
            finished: (finished + round.finished).min(self.runs),
            runs: self.runs,
            epochs: (self.epochs.saturating_sub(left), self.epochs),
            remaining: (trained > 0)
                .then(|| self.started.elapsed().mul_f64(left as f64 / trained as f64)),
            ended: round.ended.clone(),
            failed: round.failed.clone(),
        }
    }
}
