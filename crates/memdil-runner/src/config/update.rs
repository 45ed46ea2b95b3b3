//! How an optimiser moves a parameter, as its specification says.

use memdil_records::OptimizerSpec;

/// How a step moves a parameter: plain data, for any engine to translate. [`OptimizerSpec`] has the
/// formulas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Update {
    pub(crate) rule: UpdateRule,
    pub(crate) weight_decay: f64,
    /// Of the parameters named `classifier.`.
    pub(crate) classifier_weight_decay: f64,
    /// The decay shrinks the parameter instead of adding to its gradient.
    pub(crate) decoupled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum UpdateRule {
    Sgd {
        momentum: f64,
        nesterov: bool,
    },
    Adam {
        beta1: f64,
        beta2: f64,
        epsilon: f64,
    },
}

impl Update {
    /// Gradient descent with momentum and nothing else.
    pub(crate) fn momentum(momentum: f64) -> Self {
        let rule = UpdateRule::Sgd {
            momentum,
            nesterov: false,
        };
        Self {
            rule,
            weight_decay: 0.0,
            classifier_weight_decay: 0.0,
            decoupled: false,
        }
    }

    /// Decay of a parameter.
    pub(crate) fn decay_of(&self, name: &str) -> f64 {
        if name.starts_with("classifier.") {
            self.classifier_weight_decay
        } else {
            self.weight_decay
        }
    }
}

impl From<&OptimizerSpec> for Update {
    fn from(spec: &OptimizerSpec) -> Self {
        let (rule, weight_decay, classifier, decoupled) = match *spec {
            OptimizerSpec::Sgd {
                momentum,
                nesterov,
                weight_decay,
                classifier_weight_decay,
                ..
            } => (
                UpdateRule::Sgd { momentum, nesterov },
                weight_decay,
                classifier_weight_decay,
                false,
            ),
            OptimizerSpec::Adam {
                beta1,
                beta2,
                epsilon,
                weight_decay,
                classifier_weight_decay,
                ..
            } => (
                UpdateRule::Adam {
                    beta1,
                    beta2,
                    epsilon,
                },
                weight_decay,
                classifier_weight_decay,
                false,
            ),
            OptimizerSpec::AdamW {
                beta1,
                beta2,
                epsilon,
                decoupled_weight_decay,
                decoupled_classifier_weight_decay,
                ..
            } => (
                UpdateRule::Adam {
                    beta1,
                    beta2,
                    epsilon,
                },
                decoupled_weight_decay,
                decoupled_classifier_weight_decay,
                true,
            ),
        };
        Self {
            rule,
            weight_decay,
            classifier_weight_decay: classifier.unwrap_or(weight_decay),
            decoupled,
        }
    }
}

impl UpdateRule {
    /// What is remembered of each parameter's gradients.
    pub(crate) fn moments(self) -> &'static [&'static str] {
        match self {
            Self::Sgd { .. } => &["momentum"],
            Self::Adam { .. } => &["first_moment", "second_moment"],
        }
    }
}
