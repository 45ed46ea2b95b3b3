//! The update of a parameter as operations on tensors, in place.

use candle_core::{CpuStorage, InplaceOp3, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use super::values::{TensorNumber, slice};
use crate::optimizer::{Decay, Optimizer};
use crate::vector::Element;

/// Values that a thread updates at once.
const CHUNK: usize = 1 << 14;

/// Updates a parameter on the CPU, and the moments of its optimiser, from its gradient: one moment
/// for [`Optimizer::Sgd`], two for [`Optimizer::Adam`]. `count` is 1 in the first step.
///
/// The result has the same bits as a composition of candle's operations.
///
/// # Shapes
///
/// Gradient and moments as the parameter.
///
/// # Errors
///
/// candle's error if shapes or types do not match, if tensors share storage with one that is
/// updated, or if the number of moments is not that of the optimiser.
pub fn update(
    optimizer: Optimizer,
    parameter: &Tensor,
    moments: &[Tensor],
    gradient: &Tensor,
    learning_rate: f64,
    decay: Decay,
    count: u32,
) -> Result<()> {
    let (coupled, kept) = match decay {
        Decay::Coupled(decay) => (decay, 1.0),
        Decay::Decoupled(decay) => (0.0, 1.0 - learning_rate * decay),
    };
    let gradient = &gradient.contiguous()?;
    let add = |moment: &Tensor, kept, new, squared| {
        let rule = Accumulate {
            kept,
            new,
            coupled,
            squared,
        };
        moment.inplace_op3(parameter, gradient, &InPlace(rule))
    };
    match (optimizer, moments) {
        (Optimizer::Sgd { momentum, nesterov }, [velocity]) => {
            add(velocity, momentum, 1.0, false)?;
            let rule = Descend {
                kept,
                rate: learning_rate,
                nesterov: nesterov.then_some((momentum, coupled)),
            };
            parameter.inplace_op3(velocity, gradient, &InPlace(rule))
        }
        (
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            },
            [first, second],
        ) => {
            add(first, beta1, 1.0 - beta1, false)?;
            add(second, beta2, 1.0 - beta2, true)?;
            let [rest1, rest2] = [beta1, beta2].map(|beta| 1.0 - beta.powf(f64::from(count)));
            let rule = DescendByRoot {
                kept,
                // As a product, to round as the composition does.
                rate: learning_rate * (1.0 / rest1),
                root: 1.0 / rest2.sqrt(),
                epsilon,
            };
            parameter.inplace_op3(first, second, &InPlace(rule))
        }
        _ => bail!("update: the number of moments does not match the optimiser"),
    }
}

/// A new value from the old one and two others.
trait Rule: Sync {
    fn apply<T: Element>(&self, old: T, a: T, b: T) -> T;
}

/// A moment, from a parameter and its gradient.
struct Accumulate {
    kept: f64,
    new: f64,
    coupled: f64,
    squared: bool,
}

impl Rule for Accumulate {
    #[inline(always)]
    fn apply<T: Element>(&self, moment: T, parameter: T, gradient: T) -> T {
        let gradient = parameter * T::from_f64(self.coupled) + gradient;
        let new = if self.squared {
            gradient * gradient
        } else {
            gradient
        };
        new * T::from_f64(self.new) + moment * T::from_f64(self.kept)
    }
}

/// A parameter, from its momentum and its gradient.
struct Descend {
    kept: f64,
    rate: f64,
    /// Momentum and coupled decay of Nesterov's direction.
    nesterov: Option<(f64, f64)>,
}

impl Rule for Descend {
    #[inline(always)]
    fn apply<T: Element>(&self, parameter: T, velocity: T, gradient: T) -> T {
        let direction = match self.nesterov {
            Some((momentum, coupled)) => {
                parameter * T::from_f64(coupled) + gradient + velocity * T::from_f64(momentum)
            }
            None => velocity,
        };
        parameter * T::from_f64(self.kept) - direction * T::from_f64(self.rate)
    }
}

/// A parameter, from the moments of Adam.
struct DescendByRoot {
    kept: f64,
    rate: f64,
    root: f64,
    epsilon: f64,
}

impl Rule for DescendByRoot {
    #[inline(always)]
    fn apply<T: Element>(&self, parameter: T, first: T, second: T) -> T {
        let denominator = second.sqrt() * T::from_f64(self.root) + T::from_f64(self.epsilon);
        parameter * T::from_f64(self.kept) - first / denominator * T::from_f64(self.rate)
    }
}

/// A rule as an operation of candle.
struct InPlace<R>(R);

impl<R: Rule> InPlace<R> {
    fn run<T: TensorNumber>(&self, values: &mut [T], a: &[T], b: &[T]) {
        let others = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK));
        let chunks = values.par_chunks_mut(CHUNK).zip(others);
        chunks.for_each(|(values, (a, b))| {
            for (value, (&a, &b)) in values.iter_mut().zip(a.iter().zip(b)) {
                *value = self.0.apply(*value, a, b);
            }
        });
    }
}

impl<R: Rule> InplaceOp3 for InPlace<R> {
    fn name(&self) -> &'static str {
        "update"
    }

    fn cpu_fwd(
        &self,
        values: &mut CpuStorage,
        layout: &Layout,
        a: &CpuStorage,
        layout_a: &Layout,
        b: &CpuStorage,
        layout_b: &Layout,
    ) -> Result<()> {
        if layout.shape() != layout_a.shape() || layout.shape() != layout_b.shape() {
            bail!(
                "update: shapes {:?}, {:?} and {:?} must be equal",
                layout.shape(),
                layout_a.shape(),
                layout_b.shape()
            );
        }
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("update: the tensor must be contiguous")
        };
        match values {
            CpuStorage::F32(values) => {
                self.run::<f32>(
                    &mut values[start..end],
                    slice(a, layout_a)?,
                    slice(b, layout_b)?,
                );
            }
            CpuStorage::F64(values) => {
                self.run::<f64>(
                    &mut values[start..end],
                    slice(a, layout_a)?,
                    slice(b, layout_b)?,
                );
            }
            _ => bail!("update: the type must be f32 or f64"),
        }
        Ok(())
    }
}
