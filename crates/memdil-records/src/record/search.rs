//! The history of a hyper-parameter search.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::skip_serializing_none;

use super::run::Status;
use crate::spec::run::RunSpec;
use crate::spec::search::SearchSpec;

/// A finished trial.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialRecord {
    /// Number, counted from one.
    pub trial: usize,
    /// The values tried, by the names of their settings.
    pub values: BTreeMap<String, Value>,
    /// The run that tried them.
    pub run: String,
    /// How it ended.
    pub status: Status,
    /// Accuracy on the held-out noisy samples after the last epoch; left out when the run diverged,
    /// which counts as worst.
    pub validation_accuracy: Option<f64>,
    /// The highest of it up to this trial.
    pub best_so_far: Option<f64>,
}

/// The best trial's values trained on all training data for all epochs.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrainedRecord {
    /// The run.
    pub run: String,
    /// How it ended.
    pub status: Status,
    /// Accuracy on the test set; left out when the run diverged.
    pub test_accuracy: Option<f64>,
}

/// A search and its history. No value in it depends on when or how often the search was stopped.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRecord {
    /// Version of this format; readers refuse what they do not know.
    pub format: u32,
    /// Name of the search: that of the run that its settings describe.
    pub id: String,
    /// What is tried.
    pub search: SearchSpec,
    /// The settings that the values of a trial are put into.
    pub spec: RunSpec,
    /// The settings that are searched over: those of the space that the loss, the optimiser and so
    /// on have.
    pub settings: Vec<String>,
    /// Finished trials, in the order of their numbers.
    pub trials: Vec<TrialRecord>,
    /// The first trial with the highest validation accuracy, once all are finished; left out when
    /// all have diverged.
    pub best_trial: Option<usize>,
    /// The run made with its values.
    pub retrained: Option<RetrainedRecord>,
}

impl SearchRecord {
    /// The format this crate writes and reads.
    pub const FORMAT: u32 = 1;

    /// True when every trial is finished.
    pub fn all_tried(&self) -> bool {
        self.trials.len() == self.search.trials
    }

    /// Works out what follows from the trials: their order, the best so far, the best of all.
    pub fn settle(&mut self) {
        self.trials.sort_by_key(|trial| trial.trial);
        let mut best: Option<(usize, f64)> = None;
        for trial in &mut self.trials {
            if let Some(accuracy) = trial.validation_accuracy
                && best.is_none_or(|(_, highest)| accuracy > highest)
            {
                best = Some((trial.trial, accuracy));
            }
            trial.best_so_far = best.map(|(_, highest)| highest);
        }
        self.best_trial = best.map(|(trial, _)| trial).filter(|_| self.all_tried());
    }

    /// The best trial.
    pub fn best(&self) -> Option<&TrialRecord> {
        self.trials
            .iter()
            .find(|trial| Some(trial.trial) == self.best_trial)
    }
}
