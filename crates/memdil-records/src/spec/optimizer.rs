//! The specification of an optimiser.

use serde::{Deserialize, Serialize};

use crate::error::RecordError;
use crate::range::{below_one, check, not_negative, positive};

/// The optimiser, which updates the parameters $p$ with the gradient $g$. The formulas are those of
/// PyTorch; $\eta$ is the learning rate.
///
/// A coupled weight decay adds $\lambda p$ to the gradient; a decoupled weight decay shrinks $p$
/// independently of the gradient (Loshchilov and Hutter 2019). Their keys have different names. The
/// classifier's weight and bias may have their own decay; its default is the decay of the other
/// parameters. Running statistics and a fixed classifier never decay.
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
        /// Nesterov's momentum; default: false.
        #[serde(default)]
        nesterov: bool,
        /// Coupled weight decay $\lambda$.
        weight_decay: f64,
        /// The weight decay of the classifier; default: that of the other parameters.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        classifier_weight_decay: Option<f64>,
    },
    /// Adam (Kingma and Ba 2015), where $g$ denotes $g + \lambda p$:
    /// $m \leftarrow \beta_1 m + (1-\beta_1) g$, $v \leftarrow \beta_2 v + (1-\beta_2) g^2$, and in
    /// step $t$ $p \leftarrow p - \frac{\eta}{1-\beta_1^t} m \big/ \bigl(\sqrt
    /// v/\sqrt{1-\beta_2^t} + \epsilon\bigr)$.
    Adam {
        /// Initial learning rate.
        learning_rate: f64,
        /// Decay rate $\beta_1$ of the first moment, in `[0, 1)`; default: 0.9.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay rate $\beta_2$ of the second moment, in `[0, 1)`; default: 0.999.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Term $\epsilon$ in the denominator, positive; default: 1e-8.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Coupled weight decay $\lambda$.
        weight_decay: f64,
        /// The weight decay of the classifier; default: that of the other parameters.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        classifier_weight_decay: Option<f64>,
    },
    /// Adam without decay in the gradient; each step first sets $p \leftarrow (1 - \eta\lambda) p$.
    AdamW {
        /// Initial learning rate.
        learning_rate: f64,
        /// Decay rate $\beta_1$ of the first moment, in `[0, 1)`; default: 0.9.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay rate $\beta_2$ of the second moment, in `[0, 1)`; default: 0.999.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Term $\epsilon$ in the denominator, positive; default: 1e-8.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Decoupled weight decay $\lambda$.
        decoupled_weight_decay: f64,
        /// The weight decay of the classifier; default: that of the other parameters.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        decoupled_classifier_weight_decay: Option<f64>,
    },
}

// The defaults of PyTorch.
fn beta1() -> f64 {
    0.9
}

fn beta2() -> f64 {
    0.999
}

fn epsilon() -> f64 {
    1e-8
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
    /// `None` if the decay is decoupled.
    pub fn coupled_weight_decay(&self) -> Option<f64> {
        match *self {
            Self::Sgd { weight_decay, .. } | Self::Adam { weight_decay, .. } => Some(weight_decay),
            Self::AdamW { .. } => None,
        }
    }

    /// The coupled weight decay of the classifier; `None` if the decay is decoupled.
    pub fn coupled_classifier_weight_decay(&self) -> Option<f64> {
        match *self {
            Self::Sgd {
                weight_decay,
                classifier_weight_decay,
                ..
            }
            | Self::Adam {
                weight_decay,
                classifier_weight_decay,
                ..
            } => Some(classifier_weight_decay.unwrap_or(weight_decay)),
            Self::AdamW { .. } => None,
        }
    }

    pub(crate) fn resolve(&mut self) {
        let (all, own) = self.decays();
        own.get_or_insert(*all);
    }

    /// The weight decay of all parameters, and that of the classifier.
    fn decays(&mut self) -> (&mut f64, &mut Option<f64>) {
        match self {
            Self::Sgd {
                weight_decay: all,
                classifier_weight_decay: own,
                ..
            }
            | Self::Adam {
                weight_decay: all,
                classifier_weight_decay: own,
                ..
            }
            | Self::AdamW {
                decoupled_weight_decay: all,
                decoupled_classifier_weight_decay: own,
                ..
            } => (all, own),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), RecordError> {
        positive("optimizer.learning_rate", self.learning_rate())?;
        match *self {
            Self::Sgd {
                momentum, nesterov, ..
            } => {
                below_one("optimizer.momentum", momentum)?;
                let valid = !nesterov || momentum > 0.0;
                let range = "false if momentum is 0";
                check(valid, "optimizer.nesterov", nesterov, range)?;
            }
            Self::Adam {
                beta1,
                beta2,
                epsilon,
                ..
            }
            | Self::AdamW {
                beta1,
                beta2,
                epsilon,
                ..
            } => {
                below_one("optimizer.beta1", beta1)?;
                below_one("optimizer.beta2", beta2)?;
                positive("optimizer.epsilon", epsilon)?;
            }
        }
        let [all, classifier] = match self {
            Self::Sgd { .. } | Self::Adam { .. } => [
                "optimizer.weight_decay",
                "optimizer.classifier_weight_decay",
            ],
            Self::AdamW { .. } => [
                "optimizer.decoupled_weight_decay",
                "optimizer.decoupled_classifier_weight_decay",
            ],
        };
        let mut resolved = self.clone();
        let (decay, own) = resolved.decays();
        not_negative(all, *decay)?;
        not_negative(classifier, own.unwrap_or(0.0))
    }
}
