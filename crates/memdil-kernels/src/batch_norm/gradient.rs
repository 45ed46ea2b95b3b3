//! The gradient of batch normalisation.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::moments::{ChannelMoments, inverse_deviations, rows_of_block};
use super::normalize::{Epilogue, check};
use crate::error::{KernelError, check_length};
use crate::vector::{Element, Instructions, Vector, VectorKernel};

/// Gradients of [`normalize`](crate::normalize).
#[derive(Clone, Debug)]
pub struct NormGradient<T> {
    /// With respect to the values, (n, C).
    pub values: Vec<T>,
    /// With respect to the residual, if there is one, (n, C).
    pub residual: Option<Vec<T>>,
    /// With respect to the scale $\gamma$, (C).
    pub scale: Vec<T>,
    /// With respect to the shift $\beta$, (C).
    pub shift: Vec<T>,
}

/// The gradient of [`normalize`](crate::normalize) when `moments` are those of `x`, from the result
/// `y` and its gradient `g`. `y` is read only if there is a residual; the memory of `g` is reused for
/// the gradient of the values.
///
/// With $\hat x$ the normalised values, and $g$ set to zero where the ReLU is inactive:
/// $\nabla\gamma = \sum_i g \hat x$, $\nabla\beta = \sum_i g$,
/// $\nabla x = \frac{\gamma}{\sqrt{\sigma^2 + 10^{-5}}} \bigl(g - \frac{\nabla\beta}{n} - \hat x
/// \frac{\nabla\gamma}{n}\bigr)$.
///
/// # Shapes
///
/// `x`, `y`, `g` (n, C) row-major, scale, shift and the moments (C).
///
/// # Errors
///
/// [`KernelError::Batch`], [`KernelError::Length`].
pub fn normalize_gradient<T: Element>(
    x: &[T],
    y: &[T],
    mut g: Vec<T>,
    moments: &ChannelMoments<T>,
    [scale, shift]: [&[T]; 2],
    epilogue: Epilogue<'_, T>,
) -> Result<NormGradient<T>, KernelError> {
    check(x, moments, scale, shift, epilogue.residual)?;
    check_length("result", y, x.len())?;
    check_length("gradient", &g, x.len())?;
    let inverse: Vec<T> = inverse_deviations(moments).collect();
    let factor = pairs(&inverse, scale, |inverse, scale| inverse * scale);
    let rows = GradientRows {
        x,
        y,
        mean: &moments.mean,
        factor: &factor,
        shift,
        gate: match (epilogue.relu, epilogue.residual) {
            (false, _) => Gate::Open,
            (true, None) => Gate::Computed,
            (true, Some(_)) => Gate::Result,
        },
    };
    let [scale_gradient, shift_gradient] = rows.sums(&g, &inverse);
    let n = (x.len() / scale.len()) as f64;
    // Per channel, the gradient is factor (g - constant - (x - mean) along).
    let terms = GradientTerms {
        constant: numbers(shift_gradient.iter().map(|sum| sum / n)),
        along: pairs(&scale_gradient, &inverse, |sum, inverse| {
            T::from_f64(sum / n * inverse.to_f64())
        }),
    };
    let residual = rows.gradients(&terms, &mut g, epilogue.residual.is_some());
    Ok(NormGradient {
        values: g,
        residual,
        scale: numbers(scale_gradient.into_iter()),
        shift: numbers(shift_gradient.into_iter()),
    })
}

fn numbers<T: Element>(values: impl Iterator<Item = f64>) -> Vec<T> {
    values.map(T::from_f64).collect()
}

fn pairs<A: Copy, B: Copy, T>(a: &[A], b: &[B], f: impl Fn(A, B) -> T) -> Vec<T> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

/// How a kernel finds out which gradients pass the ReLU.
#[derive(Clone, Copy)]
enum Gate {
    /// All pass: there is no ReLU.
    Open,
    /// Those of positive results, which are computed again, so that they need not be read.
    Computed,
    /// Those of positive results, which are read.
    Result,
}

/// Values and results, with the normalisation of each channel.
#[derive(Clone, Copy)]
struct GradientRows<'a, T> {
    x: &'a [T],
    y: &'a [T],
    mean: &'a [T],
    factor: &'a [T],
    shift: &'a [T],
    gate: Gate,
}

/// The constants of the gradient, per channel.
struct GradientTerms<T> {
    constant: Vec<T>,
    along: Vec<T>,
}

impl<T: Element> GradientRows<'_, T> {
    /// The `len` values that start at `first`.
    fn block(self, first: usize, len: usize) -> Self {
        let [x, y] = [self.x, self.y].map(|all| &all[first..][..len]);
        Self { x, y, ..self }
    }

    /// The gradients of scale and shift: the sums of the blocks, added in f64.
    fn sums(self, g: &[T], inverse: &[T]) -> [Vec<f64>; 2] {
        let channels = self.mean.len();
        let block = rows_of_block(channels) * channels;
        let sums_of_block = |(at, g): (usize, &[T])| {
            let mut sums = [vec![T::default(); channels], vec![T::default(); channels]];
            let kernel = GradientSums {
                rows: self.block(at * block, g.len()),
                g,
                inverse,
                sums: &mut sums,
            };
            T::dispatch(Instructions::detect(), kernel);
            sums
        };
        let blocks = g.par_chunks(block).enumerate();
        let sums: Vec<[Vec<T>; 2]> = blocks.map(sums_of_block).collect();
        [0, 1].map(|which| {
            let total = |c: usize| sums.iter().map(|block| block[which][c].to_f64()).sum();
            (0..channels).map(total).collect()
        })
    }

    /// Replaces the gradient of the results by that of the values, and returns the gradient of the
    /// residual.
    fn gradients(
        self,
        terms: &GradientTerms<T>,
        g: &mut [T],
        with_residual: bool,
    ) -> Option<Vec<T>> {
        let channels = self.mean.len();
        let (len, block) = (g.len(), rows_of_block(channels) * channels);
        let mut residual = with_residual.then(|| Vec::with_capacity(len));
        let mut residuals: Vec<Option<&mut [MaybeUninit<T>]>> = match &mut residual {
            Some(residual) => residual.spare_capacity_mut()[..len]
                .chunks_mut(block)
                .map(Some)
                .collect(),
            None => g.chunks(block).map(|_| None).collect(),
        };
        let blocks = g.par_chunks_mut(block).zip(&mut residuals);
        blocks.enumerate().for_each(|(at, (g, residual))| {
            let kernel = Gradients {
                rows: self.block(at * block, g.len()),
                terms,
                g,
                residual: residual.take(),
            };
            T::dispatch(Instructions::detect(), kernel);
        });
        if let Some(residual) = &mut residual {
            // SAFETY: the blocks have written all values.
            unsafe { residual.set_len(len) };
        }
        residual
    }
}

/// Calls a kernel's method with the gate as a constant.
macro_rules! with_gate {
    ($gate:expr, $G:ident => $body:expr) => {
        match $gate {
            Gate::Open => {
                const $G: Gate = Gate::Open;
                $body
            }
            Gate::Computed => {
                const $G: Gate = Gate::Computed;
                $body
            }
            Gate::Result => {
                const $G: Gate = Gate::Result;
                $body
            }
        }
    };
}

/// The gradient before the ReLU, from the normalised value or the result that were computed.
#[inline(always)]
fn gated<T: Element>(gate: Gate, g: T, normalized: T, y: T) -> T {
    let result = match gate {
        Gate::Open => return g,
        Gate::Computed => normalized,
        Gate::Result => y,
    };
    if result <= T::default() {
        T::default()
    } else {
        g
    }
}

/// The gradients of scale and shift, from a block of rows.
struct GradientSums<'a, T> {
    rows: GradientRows<'a, T>,
    g: &'a [T],
    inverse: &'a [T],
    sums: &'a mut [Vec<T>; 2],
}

impl<T: Element> VectorKernel<T> for GradientSums<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let GradientRows {
            x,
            y,
            mean,
            factor,
            shift,
            gate,
        } = self.rows;
        let (inverse, [scale_sums, shift_sums]) = (self.inverse, self.sums);
        let channels = mean.len();
        let rows = x.chunks_exact(channels).zip(y.chunks_exact(channels));
        let rows = rows.zip(self.g.chunks_exact(channels));
        with_gate!(gate, GATE => {
            for ((x, y), g) in rows {
                let affine = mean.iter().zip(factor).zip(shift);
                let values = x.iter().zip(y).zip(g).zip(affine);
                let sums = scale_sums.iter_mut().zip(shift_sums.iter_mut());
                for ((((&x, &y), &g), ((&mean, &factor), &shift)), (scale, sum)) in values.zip(sums) {
                    let centred = x - mean;
                    let g = gated(GATE, g, centred * factor + shift, y);
                    *scale = *scale + g * centred;
                    *sum = *sum + g;
                }
            }
        });
        for (scale, &inverse) in scale_sums.iter_mut().zip(inverse) {
            *scale = *scale * inverse;
        }
    }
}

/// The gradients of the values, which replace those of the results, and of the residual, for a block
/// of rows.
struct Gradients<'a, T> {
    rows: GradientRows<'a, T>,
    terms: &'a GradientTerms<T>,
    g: &'a mut [T],
    residual: Option<&'a mut [MaybeUninit<T>]>,
}

impl<T: Element> VectorKernel<T> for Gradients<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let GradientRows {
            x,
            y,
            mean,
            factor,
            shift,
            gate,
        } = self.rows;
        let GradientTerms { constant, along } = self.terms;
        let mut residual = self.residual;
        let channels = mean.len();
        let rows = x.chunks_exact(channels).zip(y.chunks_exact(channels));
        let rows = rows.zip(self.g.chunks_exact_mut(channels));
        with_gate!(gate, GATE => {
            for (at, ((x, y), g)) in rows.enumerate() {
                if let Some(residual) = &mut residual {
                    for ((r, &y), &g) in residual[at * channels..].iter_mut().zip(y).zip(&*g) {
                        r.write(gated(GATE, g, y, y));
                    }
                }
                let affine = mean.iter().zip(factor).zip(shift);
                let values = x.iter().zip(y).zip(affine.zip(constant).zip(along));
                for (g, ((&x, &y), ((((&mean, &factor), &shift), &constant), &along))) in
                    g.iter_mut().zip(values)
                {
                    let centred = x - mean;
                    let gradient = gated(GATE, *g, centred * factor + shift, y);
                    *g = factor * (gradient - constant - centred * along);
                }
            }
        });
    }
}
