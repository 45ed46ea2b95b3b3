//! Progress of a search.

use std::time::Instant;

use memdil_records::ManifestLine;

use crate::search::plan::Search;
use crate::sweep::progress::SweepProgress;

/// Progress of all rounds together.
pub(crate) struct Overall {
    started: Instant,
    runs: usize,
    trials: usize,
    epochs: usize,
    /// Epochs of runs that no manifest has yet.
    future: usize,
    /// Epochs made in earlier rounds, and in this one.
    made: [usize; 2],
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
            made: [0; 2],
        }
    }

    pub(crate) fn begin(&mut self, lines: &[ManifestLine]) {
        let known: usize = lines.iter().map(|line| line.spec.training.epochs).sum();
        self.future = self.epochs.saturating_sub(known);
        self.made = [self.made.iter().sum(), 0];
    }

    pub(crate) fn with(&mut self, round: &SweepProgress, retraining: bool) -> SweepProgress {
        let [finished, future] = if retraining {
            [self.trials, 0]
        } else {
            [0, self.future]
        };
        let left = future + round.epochs.1.saturating_sub(round.epochs.0);
        self.made[1] = round.epochs.0;
        let made: usize = self.made.iter().sum();
        SweepProgress {
            finished: (finished + round.finished).min(self.runs),
            runs: self.runs,
            epochs: (self.epochs.saturating_sub(left), self.epochs),
            remaining: (made > 0)
                .then(|| self.started.elapsed().mul_f64(left as f64 / made as f64)),
            ended: round.ended.clone(),
            failed: round.failed.clone(),
        }
    }
}
