//! The specification of a learning-rate schedule.

use serde::{Deserialize, Serialize};

use crate::error::RecordError;
use crate::range::{at_least_one, check, positive_share};

/// The learning-rate schedule. The first epoch has the initial learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleSpec {
    /// Multiplies the learning rate by `gamma` every `patience` epochs.
    Step {
        /// Epochs between two steps.
        patience: usize,
        /// Factor of a step, in `(0, 1]`.
        gamma: f64,
    },
    /// Multiplies the learning rate by `gamma` after each of the given epochs.
    MultiStep {
        /// Epochs after which the learning rate changes, increasing; empty for a constant rate.
        milestones: Vec<usize>,
        /// Factor of a step, in `(0, 1]`.
        gamma: f64,
    },
    /// Half a cosine from the initial learning rate $\eta$ towards $\eta_{\min}$, which would be
    /// reached after the last of $T$ epochs: epoch $e$ has
    /// $\eta_{\min} + (\eta - \eta_{\min})(1 + \cos(\pi(e-1)/T))/2$.
    Cosine {
        /// $\eta_{\min}$, from 0 to the initial learning rate.
        minimum_learning_rate: f64,
    },
}

impl ScheduleSpec {
    /// The learning rate of `epoch`, counted from one, in a training of `epochs` epochs with the
    /// initial learning rate `initial`.
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
                let range = "increasing epochs, the first at least 1";
                check(increasing, "schedule.milestones", shown, range)?;
                positive_share("schedule.gamma", *gamma)
            }
            Self::Cosine {
                minimum_learning_rate: minimum,
            } => {
                let name = "schedule.minimum_learning_rate";
                let range = "in [0, optimizer.learning_rate]";
                check((0.0..=initial).contains(minimum), name, minimum, range)
            }
        }
    }
}

#[cfg(test)]
mod tests;
