//! The rules by which an optimiser changes parameters.

use crate::Element;
use crate::vector::Vector;

/// Which optimiser, with what stays the same during a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent: $v \leftarrow \mu v + g$, $p \leftarrow p - \eta v$ (with
    /// Nesterov's momentum $p \leftarrow p - \eta (g + \mu v)$).
    Sgd {
        /// Momentum $\mu$; at 0 there is no buffer.
        momentum: f64,
        /// Whether the step looks ahead.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015) with bias correction:
    /// $p \leftarrow p - \eta \frac{m/(1-\beta_1^t)}{\sqrt{v/(1-\beta_2^t)} + \epsilon}$.
    Adam {
        /// Decay $\beta_1$ of the mean $m$ of the gradients.
        beta1: f64,
        /// Decay $\beta_2$ of the mean $v$ of their squares.
        beta2: f64,
        /// What keeps the denominator from zero.
        epsilon: f64,
    },
}

impl Optimizer {
    /// Names of the buffers beside each parameter.
    pub fn buffers(self) -> &'static [&'static str] {
        match self {
            Self::Sgd { momentum, .. } if momentum > 0.0 => &["momentum"],
            Self::Sgd { .. } => &[],
            Self::Adam { .. } => &["first_moment", "second_moment"],
        }
    }
}

/// What may change from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Learning rate $\eta$.
    pub learning_rate: f64,
    /// Decay of everything before the classifier.
    pub decay: Decay,
    /// Decay of the classifier.
    pub classifier_decay: Decay,
    /// Decay $\lambda_h$ of the features: $\frac{\lambda_h}{2n} \sum_i \lVert h_i \rVert^2$ is
    /// added to the loss.
    pub feature_decay: f64,
}

/// Weight decay, of which there are two kinds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// $\lambda p$ is added to the gradient, and goes through momentum and scaling with it.
    Coupled(f64),
    /// $p \leftarrow (1 - \eta \lambda) p$ before the step (Loshchilov and Hutter 2019).
    Decoupled(f64),
}

/// The rule of one step for one parameter, its constants in the type it computes with.
#[derive(Clone, Copy)]
pub(crate) enum Rule<T> {
    Plain(Plain<T>),
    Momentum(Plain<T>, T),
    Nesterov(Plain<T>, T),
    Adam(Plain<T>, Adam<T>),
}

#[derive(Clone, Copy)]
pub(crate) struct Plain<T> {
    rate: T,
    coupled: T,
    kept: T,
}

#[derive(Clone, Copy)]
pub(crate) struct Adam<T> {
    beta1: T,
    beta2: T,
    rest1: T,
    rest2: T,
    rate: T,
    root: T,
    epsilon: T,
}

impl<T: Element> Rule<T> {
    /// The rule of step `count`, counted from one.
    pub(crate) fn new(optimizer: Optimizer, learning_rate: f64, decay: Decay, count: u64) -> Self {
        let (coupled, kept) = match decay {
            Decay::Coupled(decay) => (decay, 1.0),
            Decay::Decoupled(decay) => (0.0, 1.0 - learning_rate * decay),
        };
        let [rate, coupled, kept] = [learning_rate, coupled, kept].map(T::from_f64);
        let plain = Plain {
            rate,
            coupled,
            kept,
        };
        match optimizer {
            Optimizer::Sgd { momentum, .. } if momentum <= 0.0 => Self::Plain(plain),
            Optimizer::Sgd {
                momentum,
                nesterov: false,
            } => Self::Momentum(plain, T::from_f64(momentum)),
            Optimizer::Sgd {
                momentum,
                nesterov: true,
            } => Self::Nesterov(plain, T::from_f64(momentum)),
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            } => {
                let power = |beta: f64| 1.0 - beta.powf(count as f64);
                let all = [
                    beta1,
                    beta2,
                    1.0 - beta1,
                    1.0 - beta2,
                    learning_rate / power(beta1),
                    1.0 / power(beta2).sqrt(),
                    epsilon,
                ];
                let [beta1, beta2, rest1, rest2, rate, root, epsilon] = all.map(T::from_f64);
                Self::Adam(
                    plain,
                    Adam {
                        beta1,
                        beta2,
                        rest1,
                        rest2,
                        rate,
                        root,
                        epsilon,
                    },
                )
            }
        }
    }
}

/// A rule whose kind is known to the compiler.
pub(crate) trait Apply<V: Vector>: Copy {
    /// Buffers beside the parameter.
    const BUFFERS: usize;

    /// Updates a vector of parameters and its buffers from their gradient.
    ///
    /// # Safety
    ///
    /// The pointers must be valid for a vector (of the buffers, the first `BUFFERS`), and the
    /// processor must have its instructions.
    unsafe fn apply(self, parameter: *mut V::Scalar, buffers: [*mut V::Scalar; 2], gradient: V);
}

/// Marks plain descent.
#[derive(Clone, Copy)]
pub(crate) struct ApplyPlain<T>(pub(crate) Plain<T>);
/// Marks momentum, looking ahead or not.
#[derive(Clone, Copy)]
pub(crate) struct ApplyMomentum<T, const NESTEROV: bool>(pub(crate) Plain<T>, pub(crate) T);
/// Marks Adam.
#[derive(Clone, Copy)]
pub(crate) struct ApplyAdam<T>(pub(crate) Plain<T>, pub(crate) Adam<T>);

impl<T: Element> Plain<T> {
    /// The gradient with coupled decay, and the parameter after decoupled decay.
    #[inline(always)]
    unsafe fn decayed<V: Vector<Scalar = T>>(self, parameter: V, gradient: V) -> (V, V) {
        // SAFETY: the caller's.
        unsafe {
            (
                V::splat(self.coupled).mul_add(parameter, gradient),
                parameter.mul(V::splat(self.kept)),
            )
        }
    }
}

impl<V: Vector> Apply<V> for ApplyPlain<V::Scalar> {
    const BUFFERS: usize = 0;

    #[inline(always)]
    unsafe fn apply(self, parameter: *mut V::Scalar, _: [*mut V::Scalar; 2], gradient: V) {
        // SAFETY: the caller's.
        unsafe {
            let (gradient, kept) = self.0.decayed(V::load(parameter), gradient);
            kept.sub(V::splat(self.0.rate).mul(gradient))
                .store(parameter);
        }
    }
}

impl<V: Vector, const NESTEROV: bool> Apply<V> for ApplyMomentum<V::Scalar, NESTEROV> {
    const BUFFERS: usize = 1;

    #[inline(always)]
    unsafe fn apply(
        self,
        parameter: *mut V::Scalar,
        [buffer, _]: [*mut V::Scalar; 2],
        gradient: V,
    ) {
        // SAFETY: the caller's.
        unsafe {
            let (gradient, kept) = self.0.decayed(V::load(parameter), gradient);
            let momentum = V::splat(self.1).mul_add(V::load(buffer), gradient);
            momentum.store(buffer);
            let step = if NESTEROV {
                V::splat(self.1).mul_add(momentum, gradient)
            } else {
                momentum
            };
            kept.sub(V::splat(self.0.rate).mul(step)).store(parameter);
        }
    }
}

impl<V: Vector> Apply<V> for ApplyAdam<V::Scalar> {
    const BUFFERS: usize = 2;

    #[inline(always)]
    unsafe fn apply(
        self,
        parameter: *mut V::Scalar,
        [mean, square]: [*mut V::Scalar; 2],
        gradient: V,
    ) {
        let adam = self.1;
        // SAFETY: the caller's.
        unsafe {
            let (gradient, kept) = self.0.decayed(V::load(parameter), gradient);
            let m = V::splat(adam.beta1).mul_add(V::load(mean), V::splat(adam.rest1).mul(gradient));
            let v = V::splat(adam.beta2).mul_add(
                V::load(square),
                V::splat(adam.rest2).mul(gradient).mul(gradient),
            );
            m.store(mean);
            v.store(square);
            let denominator = v
                .sqrt()
                .mul_add(V::splat(adam.root), V::splat(adam.epsilon));
            kept.sub(V::splat(adam.rate).mul(m).div(denominator))
                .store(parameter);
        }
    }
}

/// Runs an expression with the rule's kind known to the compiler.
macro_rules! with_rule {
    ($rule:expr, $known:ident => $body:expr) => {
        match $rule {
            $crate::update::Rule::Plain(plain) => {
                let $known = $crate::update::ApplyPlain(plain);
                $body
            }
            $crate::update::Rule::Momentum(plain, momentum) => {
                let $known = $crate::update::ApplyMomentum::<_, false>(plain, momentum);
                $body
            }
            $crate::update::Rule::Nesterov(plain, momentum) => {
                let $known = $crate::update::ApplyMomentum::<_, true>(plain, momentum);
                $body
            }
            $crate::update::Rule::Adam(plain, adam) => {
                let $known = $crate::update::ApplyAdam(plain, adam);
                $body
            }
        }
    };
}
pub(crate) use with_rule;
