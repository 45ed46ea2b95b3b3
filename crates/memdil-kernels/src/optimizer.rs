//! Optimisers and the constants of their steps.

/// An optimiser with the constants that stay fixed during training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent: $v \leftarrow \mu v + g$, $p \leftarrow p - \eta v$ (with
    /// Nesterov's momentum $p \leftarrow p - \eta (g + \mu v)$).
    Sgd {
        /// Momentum $\mu$; 0 needs no buffer.
        momentum: f64,
        /// Whether to use Nesterov's momentum.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015) with bias correction:
    /// $p \leftarrow p - \eta \frac{m/(1-\beta_1^t)}{\sqrt{v/(1-\beta_2^t)} + \epsilon}$.
    Adam {
        /// Decay $\beta_1$ of the mean $m$ of the gradients.
        beta1: f64,
        /// Decay $\beta_2$ of the mean $v$ of their squares.
        beta2: f64,
        /// Added to the denominator so that it is not zero.
        epsilon: f64,
    },
}

impl Optimizer {
    /// Names of the buffers that each parameter has.
    pub fn buffers(self) -> &'static [&'static str] {
        match self {
            Self::Sgd { momentum, .. } if momentum > 0.0 => &["momentum"],
            Self::Sgd { .. } => &[],
            Self::Adam { .. } => &["first_moment", "second_moment"],
        }
    }
}

/// Constants of a step, which may change from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Learning rate $\eta$.
    pub learning_rate: f64,
    /// Decay of all parameters before the classifier.
    pub decay: Decay,
    /// Decay of the classifier.
    pub classifier_decay: Decay,
    /// Decay $\lambda_h$ of the features: $\frac{\lambda_h}{2n} \sum_i \lVert h_i \rVert^2$ is
    /// added to the loss.
    pub feature_decay: f64,
}

/// Weight decay, coupled or decoupled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// $\lambda p$ is added to the gradient, and so passes through momentum and scaling.
    Coupled(f64),
    /// $p \leftarrow (1 - \eta \lambda) p$ before the step (Loshchilov and Hutter 2019).
    Decoupled(f64),
}
