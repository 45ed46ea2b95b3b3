//! The update rule of an optimiser.

use memdil_kernels::{Decay, Optimizer};
use memdil_records::OptimizerSpec;

/// The update rule of a training step, for all engines. [`OptimizerSpec`] has the formulas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Update {
    pub(crate) optimizer: Optimizer,
    pub(crate) decay: Decay,
    /// The decay of parameters whose names start with `classifier.`.
    pub(crate) classifier_decay: Decay,
}

impl Update {
    /// Gradient descent with momentum, without weight decay.
    pub(crate) fn momentum(momentum: f64) -> Self {
        let nesterov = false;
        Self {
            optimizer: Optimizer::Sgd { momentum, nesterov },
            decay: Decay::Coupled(0.0),
            classifier_decay: Decay::Coupled(0.0),
        }
    }

    /// The decay of the parameter `name`.
    pub(crate) fn decay_of(&self, name: &str) -> Decay {
        if name.starts_with("classifier.") {
            self.classifier_decay
        } else {
            self.decay
        }
    }
}

impl From<&OptimizerSpec> for Update {
    fn from(spec: &OptimizerSpec) -> Self {
        let kind: fn(f64) -> Decay = match spec {
            OptimizerSpec::AdamW { .. } => Decay::Decoupled,
            _ => Decay::Coupled,
        };
        let (optimizer, decay, classifier) = match *spec {
            OptimizerSpec::Sgd {
                momentum,
                nesterov,
                weight_decay: decay,
                classifier_weight_decay: classifier,
                ..
            } => (Optimizer::Sgd { momentum, nesterov }, decay, classifier),
            OptimizerSpec::Adam {
                beta1,
                beta2,
                epsilon,
                weight_decay: decay,
                classifier_weight_decay: classifier,
                ..
            }
            | OptimizerSpec::AdamW {
                beta1,
                beta2,
                epsilon,
                decoupled_weight_decay: decay,
                decoupled_classifier_weight_decay: classifier,
                ..
            } => {
                let adam = Optimizer::Adam {
                    beta1,
                    beta2,
                    epsilon,
                };
                (adam, decay, classifier)
            }
        };
        Self {
            optimizer,
            decay: kind(decay),
            classifier_decay: kind(classifier.unwrap_or(decay)),
        }
    }
}
