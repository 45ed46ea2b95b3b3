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
    /// The number of the trial, counted from one.
    pub trial: usize,
    /// The values of the trial, by the names of their settings.
    pub values: BTreeMap<String, Value>,
    /// The id of the trial's run.
    pub run: String,
    /// The outcome of the run.
    pub status: Status,
    /// Accuracy on the held-out noisy samples after the last epoch; omitted if the run
    /// diverged, which ranks below every accuracy.
    pub validation_accuracy: Option<f64>,
    /// The highest validation accuracy up to this trial.
    pub best_so_far: Option<f64>,
}

/// The run that was trained with the best trial's values on all training data for all epochs.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrainedRecord {
    /// The id of the run.
    pub run: String,
    /// The outcome of the run.
    pub status: Status,
    /// Accuracy on the test set; omitted if the run diverged.
    pub test_accuracy: Option<f64>,
}

/// A search and its history. Its values do not depend on interruptions of the search.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRecord {
    /// The version of this format; readers refuse other versions.
    pub format: u32,
    /// The name of the search, which is the name of the run that `spec` describes.
    pub id: String,
    /// The specification of the search.
    pub search: SearchSpec,
    /// The specification of a run, in which a trial replaces the settings that are searched over.
    pub spec: RunSpec,
    /// The settings that are searched over: those of the space that exist for the loss,
    /// optimiser etc. of `spec`.
    pub settings: Vec<String>,
    /// Finished trials, in the order of their numbers.
    pub trials: Vec<TrialRecord>,
    /// The first trial with the highest validation accuracy. Omitted until all trials are finished,
    /// and if all have diverged.
    pub best_trial: Option<usize>,
    /// The run that was trained with the best trial's values.
    pub retrained: Option<RetrainedRecord>,
}

impl SearchRecord {
    /// The format this crate writes and reads.
    pub const FORMAT: u32 = 1;

    /// True if every trial is finished.
    pub fn all_tried(&self) -> bool {
        self.trials.len() == self.search.trials
    }

    /// Sorts the trials and recomputes `best_so_far` and `best_trial`.
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

    /// The best trial, if it is known.
    pub fn best(&self) -> Option<&TrialRecord> {
        self.trials
            .iter()
            .find(|trial| Some(trial.trial) == self.best_trial)
    }
}
