//! The learning-rate schedule of a run.

use serde::{Deserialize, Serialize};

use crate::error::RecordError;
use crate::range::{at_least_one, check, positive_share};

/// How the learning rate changes from epoch to epoch; the first epoch has the initial one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleSpec {
    /// Multiplied by `gamma` every `patience` epochs.
    Step {
        /// Epochs between two steps.
        patience: usize,
        /// Factor of a step, in `(0, 1]`.
        gamma: f64,
    },
    /// Multiplied by `gamma` after each of the given epochs.
    MultiStep {
        /// Epochs after which a step comes, increasing; none of them is a constant rate.
        milestones: Vec<usize>,
        /// Factor of a step, in `(0, 1]`.
        gamma: f64,
    },
    /// Half a cosine from the initial learning rate $\eta$ towards $\eta_{\min}$, which it would
    /// reach after the last of $T$ epochs: epoch $e$ has
    /// $\eta_{\min} + (\eta - \eta_{\min})(1 + \cos(\pi(e-1)/T))/2$.
    Cosine {
        /// $\eta_{\min}$, from 0 to the initial learning rate.
        minimum_learning_rate: f64,
    },
}

impl ScheduleSpec {
    /// The learning rate of an epoch, counted from one, of `epochs`, where the first one's is
    /// `initial`.
    ///
    /// ```
    /// use memdil_records::ScheduleSpec;
    ///
    /// let schedule = ScheduleSpec::MultiStep { milestones: vec![2, 5], gamma: 0.5 };
    /// let rates: Vec<f64> = (1..=6).map(|epoch| schedule.learning_rate(0.8, epoch, 6)).collect();
    /// assert_eq!(rates, [0.8, 0.8, 0.4, 0.4, 0.4, 0.2]);
    /// ```
    pub fn learning_rate(&self, initial: f64, epoch: usize, epochs: usize) -> f64 {
        let done = epoch.saturating_sub(1);
        match self {
            Self::Step { patience, gamma } => initial * gamma.powi((done / patience) as i32),
            Self::MultiStep { milestones, gamma } => {
                let passed = milestones.iter().filter(|&&milestone| milestone <= done);
                initial * gamma.powi(passed.count() as i32)
            }
            Self::Cosine {
                minimum_learning_rate: minimum,
            } => {
                let phase = std::f64::consts::PI * done as f64 / epochs as f64;
                minimum + (initial - minimum) * (1.0 + phase.cos()) / 2.0
            }
        }
    }

    pub(crate) fn validate(&self, initial: f64) -> Result<(), RecordError> {
        match self {
            Self::Step { patience, gamma } => {
                at_least_one("schedule.patience", *patience)?;
                positive_share("schedule.gamma", *gamma)
            }
            Self::MultiStep { milestones, gamma } => {
                let increasing =
                    milestones.first() != Some(&0) && milestones.is_sorted_by(|a, b| a < b);
                let shown = format!("{milestones:?}");
                let range = "increasing, from 1 on";
                check(increasing, "schedule.milestones", shown, range)?;
                positive_share("schedule.gamma", *gamma)
            }
            Self::Cosine {
                minimum_learning_rate: minimum,
            } => {
                let name = "schedule.minimum_learning_rate";
                let range = "from 0 to optimizer.learning_rate";
                check((0.0..=initial).contains(minimum), name, minimum, range)
            }
        }
    }
}

#[cfg(test)]
mod tests;
