//! The optimiser of a run and its learning-rate schedule.

use serde::{Deserialize, Serialize};

use crate::RecordError;
use crate::spec::{check, positive};

/// Which optimiser updates the parameters $p$ along the gradient $g$; formulas as in PyTorch,
/// $\eta$ the learning rate.
///
/// A coupled weight decay $\lambda$ makes $\lambda p$ part of the gradient; a decoupled one shrinks
/// $p$ beside it (Loshchilov and Hutter 2019). They are different things and named apart. The
/// classifier's weight and bias may have their own; where it is left out it is that of all others.
/// Running statistics and a fixed classifier never decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Stochastic gradient descent, $v \leftarrow \mu v + (g + \lambda p)$,
    /// $p \leftarrow p - \eta v$; with `nesterov` $p \leftarrow p - \eta (g + \lambda p + \mu v)$
    /// with the new $v$.
    Sgd {
        /// Initial learning rate.
        learning_rate: f64,
        /// Momentum $\mu$, in `[0, 1)`.
        momentum: f64,
        /// Nesterov's momentum; left out: false.
        #[serde(default)]
        nesterov: bool,
        /// Coupled weight decay $\lambda$.
        weight_decay: f64,
        /// The same for the classifier.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        classifier_weight_decay: Option<f64>,
    },
    /// Adam (Kingma and Ba 2015), with $g$ standing for $g + \lambda p$:
    /// $m \leftarrow \beta_1 m + (1-\beta_1) g$, $v \leftarrow \beta_2 v + (1-\beta_2) g^2$, and in
    /// step $t$ $p \leftarrow p - \frac{\eta}{1-\beta_1^t} \, m \big/ \bigl(\sqrt
    /// v/\sqrt{1-\beta_2^t} + \epsilon\bigr)$.
    Adam {
        /// Initial learning rate.
        learning_rate: f64,
        /// Memory $\beta_1$ of the first moment, in `[0, 1)`; left out: 0.9.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Memory $\beta_2$ of the second moment, in `[0, 1)`; left out: 0.999.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Addend $\epsilon$ of the denominator, positive; left out: 1e-8.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Coupled weight decay $\lambda$.
        weight_decay: f64,
        /// The same for the classifier.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        classifier_weight_decay: Option<f64>,
    },
    /// Adam without decay in the gradient, after $p \leftarrow (1 - \eta\lambda) p$.
    AdamW {
        /// Initial learning rate.
        learning_rate: f64,
        /// Memory $\beta_1$ of the first moment, in `[0, 1)`; left out: 0.9.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Memory $\beta_2$ of the second moment, in `[0, 1)`; left out: 0.999.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Addend $\epsilon$ of the denominator, positive; left out: 1e-8.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Decoupled weight decay $\lambda$.
        decoupled_weight_decay: f64,
        /// The same for the classifier.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        decoupled_classifier_weight_decay: Option<f64>,
    },
}

/// PyTorch's defaults.
fn beta1() -> f64 {
    0.9
}

fn beta2() -> f64 {
    0.999
}

fn epsilon() -> f64 {
    1e-8
}

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

impl OptimizerSpec {
    /// The learning rate of the first epoch.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Self::Sgd { learning_rate, .. }
            | Self::Adam { learning_rate, .. }
            | Self::AdamW { learning_rate, .. } => learning_rate,
        }
    }

    /// The coupled weight decay, a penalty $\frac{\lambda}{2} \lVert p \rVert^2$ on the loss;
    /// `None` where the decay is decoupled.
    pub fn coupled_weight_decay(&self) -> Option<f64> {
        match *self {
            Self::Sgd { weight_decay, .. } | Self::Adam { weight_decay, .. } => Some(weight_decay),
            Self::AdamW { .. } => None,
        }
    }

    pub(crate) fn resolve(&mut self) {
        let (all, classifier) = match self {
            Self::Sgd {
                weight_decay,
                classifier_weight_decay,
                ..
            }
            | Self::Adam {
                weight_decay,
                classifier_weight_decay,
                ..
            } => (weight_decay, classifier_weight_decay),
            Self::AdamW {
                decoupled_weight_decay,
                decoupled_classifier_weight_decay,
                ..
            } => (decoupled_weight_decay, decoupled_classifier_weight_decay),
        };
        classifier.get_or_insert(*all);
    }

    pub(crate) fn validate(&self) -> Result<(), RecordError> {
        let rate = self.learning_rate();
        check(
            positive(rate),
            "optimizer.learning_rate",
            rate,
            "positive and finite",
        )?;
        match *self {
            Self::Sgd {
                momentum,
                nesterov,
                weight_decay,
                classifier_weight_decay,
                ..
            } => {
                check(
                    (0.0..1.0).contains(&momentum),
                    "optimizer.momentum",
                    momentum,
                    "in [0, 1)",
                )?;
                check(
                    !nesterov || momentum > 0.0,
                    "optimizer.nesterov",
                    nesterov,
                    "false without momentum",
                )?;
                decay("optimizer.weight_decay", Some(weight_decay))?;
                decay("optimizer.classifier_weight_decay", classifier_weight_decay)
            }
            Self::Adam {
                beta1,
                beta2,
                epsilon,
                weight_decay,
                classifier_weight_decay,
                ..
            } => {
                moments(beta1, beta2, epsilon)?;
                decay("optimizer.weight_decay", Some(weight_decay))?;
                decay("optimizer.classifier_weight_decay", classifier_weight_decay)
            }
            Self::AdamW {
                beta1,
                beta2,
                epsilon,
                decoupled_weight_decay,
                decoupled_classifier_weight_decay,
                ..
            } => {
                moments(beta1, beta2, epsilon)?;
                decay(
                    "optimizer.decoupled_weight_decay",
                    Some(decoupled_weight_decay),
                )?;
                decay(
                    "optimizer.decoupled_classifier_weight_decay",
                    decoupled_classifier_weight_decay,
                )
            }
        }
    }
}

fn moments(beta1: f64, beta2: f64, epsilon: f64) -> Result<(), RecordError> {
    check(
        (0.0..1.0).contains(&beta1),
        "optimizer.beta1",
        beta1,
        "in [0, 1)",
    )?;
    check(
        (0.0..1.0).contains(&beta2),
        "optimizer.beta2",
        beta2,
        "in [0, 1)",
    )?;
    check(
        positive(epsilon),
        "optimizer.epsilon",
        epsilon,
        "positive and finite",
    )
}

fn decay(name: &'static str, value: Option<f64>) -> Result<(), RecordError> {
    let value = value.unwrap_or(0.0);
    check(
        value >= 0.0 && value.is_finite(),
        name,
        value,
        "at least 0 and finite",
    )
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
                initial
                    * gamma.powi(
                        milestones
                            .iter()
                            .filter(|&&milestone| milestone <= done)
                            .count() as i32,
                    )
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
        let check_gamma = |gamma: f64| {
            check(
                gamma > 0.0 && gamma <= 1.0,
                "schedule.gamma",
                gamma,
                "in (0, 1]",
            )
        };
        match self {
            Self::Step { patience, gamma } => {
                check(*patience >= 1, "schedule.patience", patience, "at least 1")?;
                check_gamma(*gamma)
            }
            Self::MultiStep { milestones, gamma } => {
                let increasing =
                    milestones.first() != Some(&0) && milestones.is_sorted_by(|a, b| a < b);
                check(
                    increasing,
                    "schedule.milestones",
                    format!("{milestones:?}"),
                    "increasing, from 1 on",
                )?;
                check_gamma(*gamma)
            }
            Self::Cosine {
                minimum_learning_rate: minimum,
            } => {
                let range = "from 0 to optimizer.learning_rate";
                check(
                    (0.0..=initial).contains(minimum),
                    "schedule.minimum_learning_rate",
                    minimum,
                    range,
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: &ScheduleSpec, epochs: usize) -> Vec<f64> {
        (1..=epochs)
            .map(|epoch| schedule.learning_rate(0.8, epoch, epochs))
            .collect()
    }

    fn near(found: &[f64], expected: &[f64]) {
        let same = found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-15);
        assert!(same, "{found:?} {expected:?}");
    }

    #[test]
    fn rates_by_hand() {
        near(
            &rates(
                &ScheduleSpec::Step {
                    patience: 2,
                    gamma: 0.5,
                },
                5,
            ),
            &[0.8, 0.8, 0.4, 0.4, 0.2],
        );
        let milestones = vec![1, 3];
        near(
            &rates(
                &ScheduleSpec::MultiStep {
                    milestones,
                    gamma: 0.1,
                },
                4,
            ),
            &[0.8, 0.08, 0.08, 0.008],
        );
        near(
            &rates(
                &ScheduleSpec::MultiStep {
                    milestones: Vec::new(),
                    gamma: 0.1,
                },
                2,
            ),
            &[0.8, 0.8],
        );
        // Cosines of 0, 45, 90 and 135 degrees between 0.8 and 0.2: the minimum itself would be
        // epoch 5.
        let half = 0.3 * 0.5f64.sqrt();
        let cosine = ScheduleSpec::Cosine {
            minimum_learning_rate: 0.2,
        };
        near(&rates(&cosine, 4), &[0.8, 0.5 + half, 0.5, 0.5 - half]);
    }

    #[test]
    fn schedules_out_of_range_are_named() {
        for (schedule, expected) in [
            (
                ScheduleSpec::Step {
                    patience: 0,
                    gamma: 0.1,
                },
                "schedule.patience = 0",
            ),
            (
                ScheduleSpec::MultiStep {
                    milestones: vec![0, 2],
                    gamma: 0.1,
                },
                "schedule.milestones = [0, 2]",
            ),
            (
                ScheduleSpec::MultiStep {
                    milestones: vec![2, 2],
                    gamma: 0.1,
                },
                "schedule.milestones = [2, 2]",
            ),
            (
                ScheduleSpec::MultiStep {
                    milestones: vec![2],
                    gamma: 1.5,
                },
                "schedule.gamma = 1.5",
            ),
            (
                ScheduleSpec::Cosine {
                    minimum_learning_rate: 0.9,
                },
                "schedule.minimum_learning_rate = 0.9",
            ),
            (
                ScheduleSpec::Cosine {
                    minimum_learning_rate: f64::NAN,
                },
                "schedule.minimum_learning_rate = NaN",
            ),
        ] {
            let error = schedule.validate(0.8).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
