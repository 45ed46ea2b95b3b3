//! The update rules of the optimisers, applied to a vector of parameters at a time.

use crate::optimizer::{Decay, Optimizer};
use crate::vector::{Element, Vector};

/// The update rule of one step, with its constants in the element type.
#[derive(Clone, Copy)]
pub(crate) enum StepRule<T> {
    PlainDescent(PlainDescent<T>),
    Momentum(Momentum<T, false>),
    Nesterov(Momentum<T, true>),
    Adam(Adam<T>),
}

/// Gradient descent without momentum.
#[derive(Clone, Copy)]
pub(crate) struct PlainDescent<T> {
    rate: T,
    /// Coupled decay, added to the gradient.
    coupled: T,
    /// Factor of the parameter under decoupled decay, 1 without it.
    kept: T,
}

/// Gradient descent with momentum, Nesterov's or the classical one.
#[derive(Clone, Copy)]
pub(crate) struct Momentum<T, const NESTEROV: bool>(PlainDescent<T>, T);

/// Adam; `rate` includes the bias correction of the first moment, `root` that of the second.
#[derive(Clone, Copy)]
pub(crate) struct Adam<T> {
    descent: PlainDescent<T>,
    beta1: T,
    beta2: T,
    rest1: T,
    rest2: T,
    rate: T,
    root: T,
    epsilon: T,
}

impl<T: Element> StepRule<T> {
    /// The rule of step `count`, where the first step is 1.
    pub(crate) fn new(optimizer: Optimizer, learning_rate: f64, decay: Decay, count: u64) -> Self {
        let (coupled, kept) = match decay {
            Decay::Coupled(decay) => (decay, 1.0),
            Decay::Decoupled(decay) => (0.0, 1.0 - learning_rate * decay),
        };
        let descent = PlainDescent {
            rate: T::from_f64(learning_rate),
            coupled: T::from_f64(coupled),
            kept: T::from_f64(kept),
        };
        match optimizer {
            Optimizer::Sgd { momentum, .. } if momentum <= 0.0 => Self::PlainDescent(descent),
            Optimizer::Sgd { momentum, nesterov } => {
                let momentum = T::from_f64(momentum);
                if nesterov {
                    Self::Nesterov(Momentum(descent, momentum))
                } else {
                    Self::Momentum(Momentum(descent, momentum))
                }
            }
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            } => {
                let power = |beta: f64| 1.0 - beta.powf(count as f64);
                Self::Adam(Adam {
                    descent,
                    beta1: T::from_f64(beta1),
                    beta2: T::from_f64(beta2),
                    rest1: T::from_f64(1.0 - beta1),
                    rest2: T::from_f64(1.0 - beta2),
                    rate: T::from_f64(learning_rate / power(beta1)),
                    root: T::from_f64(1.0 / power(beta2).sqrt()),
                    epsilon: T::from_f64(epsilon),
                })
            }
        }
    }
}

/// An update rule whose kind is known at compile time.
pub(crate) trait ApplyRule<V: Vector>: Copy {
    /// Number of buffers per parameter.
    const BUFFERS: usize;

    /// Updates a vector of parameters and its buffers from their gradient.
    ///
    /// # Safety
    ///
    /// `parameter` and the first `BUFFERS` of the buffers must be valid for a vector, and the
    /// processor must support the vector's instructions.
    unsafe fn apply(self, parameter: *mut V::Scalar, buffers: [*mut V::Scalar; 2], gradient: V);
}

impl<T: Element> PlainDescent<T> {
    /// The gradient with coupled decay, and the parameter after decoupled decay.
    ///
    /// # Safety
    ///
    /// The processor must support the vector's instructions.
    #[inline(always)]
    unsafe fn decayed<V: Vector<Scalar = T>>(self, parameter: V, gradient: V) -> (V, V) {
        unsafe {
            (
                V::splat(self.coupled).mul_add(parameter, gradient),
                parameter.mul(V::splat(self.kept)),
            )
        }
    }
}

impl<V: Vector> ApplyRule<V> for PlainDescent<V::Scalar> {
    const BUFFERS: usize = 0;

    #[inline(always)]
    unsafe fn apply(self, parameter: *mut V::Scalar, _: [*mut V::Scalar; 2], gradient: V) {
        unsafe {
            let (gradient, kept) = self.decayed(V::load(parameter), gradient);
            kept.sub(V::splat(self.rate).mul(gradient)).store(parameter);
        }
    }
}

impl<V: Vector, const NESTEROV: bool> ApplyRule<V> for Momentum<V::Scalar, NESTEROV> {
    const BUFFERS: usize = 1;

    #[inline(always)]
    unsafe fn apply(
        self,
        parameter: *mut V::Scalar,
        [buffer, _]: [*mut V::Scalar; 2],
        gradient: V,
    ) {
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

impl<V: Vector> ApplyRule<V> for Adam<V::Scalar> {
    const BUFFERS: usize = 2;

    #[inline(always)]
    unsafe fn apply(
        self,
        parameter: *mut V::Scalar,
        [mean, square]: [*mut V::Scalar; 2],
        gradient: V,
    ) {
        unsafe {
            let (gradient, kept) = self.descent.decayed(V::load(parameter), gradient);
            let m = V::splat(self.beta1).mul_add(V::load(mean), V::splat(self.rest1).mul(gradient));
            let v = V::splat(self.beta2).mul_add(
                V::load(square),
                V::splat(self.rest2).mul(gradient).mul(gradient),
            );
            m.store(mean);
            v.store(square);
            let denominator = v
                .sqrt()
                .mul_add(V::splat(self.root), V::splat(self.epsilon));
            kept.sub(V::splat(self.rate).mul(m).div(denominator))
                .store(parameter);
        }
    }
}

/// Evaluates an expression with the rule's kind known at compile time.
macro_rules! with_rule {
    ($rule:expr, $known:ident => $body:expr) => {
        match $rule {
            $crate::update::StepRule::PlainDescent($known) => $body,
            $crate::update::StepRule::Momentum($known) => $body,
            $crate::update::StepRule::Nesterov($known) => $body,
            $crate::update::StepRule::Adam($known) => $body,
        }
    };
}
pub(crate) use with_rule;

/// Pointers to values of a parameter and to its buffers at the same offset.
#[derive(Clone, Copy)]
pub(crate) struct ParameterPointers<T> {
    pub(crate) value: *mut T,
    pub(crate) buffers: [*mut T; 2],
}

impl<T: Element> ParameterPointers<T> {
    /// Advances the pointers by `at` values.
    ///
    /// # Safety
    ///
    /// The result of `value + at` must be within the same allocation.
    #[inline(always)]
    pub(crate) unsafe fn offset(self, at: usize) -> Self {
        let [first, second] = self.buffers;
        Self {
            // Buffers that the optimiser does not have are null, and are never read.
            buffers: [first.wrapping_add(at), second.wrapping_add(at)],
            value: unsafe { self.value.add(at) },
        }
    }

    /// Updates the vector at offset `at`.
    ///
    /// # Safety
    ///
    /// As for [`ApplyRule::apply`].
    #[inline(always)]
    pub(crate) unsafe fn update<V: Vector<Scalar = T>, R: ApplyRule<V>>(
        self,
        at: usize,
        rule: R,
        gradient: V,
    ) {
        unsafe {
            let there = self.offset(at);
            rule.apply(there.value, there.buffers, gradient);
        }
    }
}
