//! The gradient of batch normalisation.

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
/// `y` and its gradient `g`.
///
/// With $\hat x$ the normalised values, and $g$ set to zero where the ReLU is inactive:
/// $\nabla\gamma = \sum_i g \hat x$, $\nabla\beta = \sum_i g$,
/// $\nabla x = \frac{\gamma}{\sqrt{\sigma^2 + 10^{-5}}} \bigl(g - \frac{\nabla\beta}{n} - \hat x
/// \frac{\nabla\gamma}{n}\bigr)$.
///
/// # Shapes
///
/// `x`, `y`, `g` (n, C) row-major, `scale` and the moments (C).
///
/// # Errors
///
/// [`KernelError::Batch`], [`KernelError::Length`].
pub fn normalize_gradient<T: Element>(
    x: &[T],
    y: &[T],
    g: &[T],
    moments: &ChannelMoments<T>,
    scale: &[T],
    epilogue: Epilogue<'_, T>,
) -> Result<NormGradient<T>, KernelError> {
    check(x, moments, scale, scale, epilogue.residual)?;
    check_length("result", y, x.len())?;
    check_length("gradient", g, x.len())?;
    let inverse: Vec<T> = inverse_deviations(moments).collect();
    let (mean, relu) = (&moments.mean[..], epilogue.relu);
    let rows = GradientRows {
        x,
        y,
        g,
        mean,
        relu,
    };
    let [scale_gradient, shift_gradient] = rows.sums(&inverse);
    let n = (x.len() / scale.len()) as f64;
    // Per channel, the gradient is factor (g - constant - (x - mean) along).
    let terms = GradientTerms {
        factor: pairs(&inverse, scale, |inverse, scale| inverse * scale),
        constant: numbers(shift_gradient.iter().map(|sum| sum / n)),
        along: pairs(&scale_gradient, &inverse, |sum, inverse| {
            T::from_f64(sum / n * inverse.to_f64())
        }),
    };
    let (values, residual) = rows.gradients(&terms, epilogue.residual.is_some());
    Ok(NormGradient {
        values,
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

/// Values, results and the gradient of the results, with the mean of each channel.
#[derive(Clone, Copy)]
struct GradientRows<'a, T> {
    x: &'a [T],
    y: &'a [T],
    g: &'a [T],
    mean: &'a [T],
    relu: bool,
}

impl<T: Element> GradientRows<'_, T> {
    /// The `len` values that start at `first`.
    fn block(self, first: usize, len: usize) -> Self {
        let [x, y, g] = [self.x, self.y, self.g].map(|all| &all[first..][..len]);
        Self { x, y, g, ..self }
    }

    /// The gradients of scale and shift: the sums of the blocks, added in f64.
    fn sums(self, inverse: &[T]) -> [Vec<f64>; 2] {
        let channels = self.mean.len();
        let block = rows_of_block(channels) * channels;
        let sums_of_block = |(at, x): (usize, &[T])| {
            let mut sums = [vec![T::default(); channels], vec![T::default(); channels]];
            let kernel = GradientSums {
                rows: self.block(at * block, x.len()),
                inverse,
                sums: &mut sums,
            };
            T::dispatch(Instructions::detect(), kernel);
            sums
        };
        let blocks = self.x.par_chunks(block).enumerate();
        let sums: Vec<[Vec<T>; 2]> = blocks.map(sums_of_block).collect();
        [0, 1].map(|which| {
            let total = |c: usize| sums.iter().map(|block| block[which][c].to_f64()).sum();
            (0..channels).map(total).collect()
        })
    }

    /// The gradients of the values and the residual.
    fn gradients(self, terms: &GradientTerms<T>, with_residual: bool) -> (Vec<T>, Option<Vec<T>>) {
        let channels = self.mean.len();
        let block = rows_of_block(channels) * channels;
        let mut values = vec![T::default(); self.x.len()];
        let mut residual = with_residual.then(|| vec![T::default(); self.x.len()]);
        let mut residuals: Vec<Option<&mut [T]>> = match &mut residual {
            Some(residual) => residual.chunks_mut(block).map(Some).collect(),
            None => values.chunks(block).map(|_| None).collect(),
        };
        let blocks = values.par_chunks_mut(block).zip(&mut residuals);
        blocks.enumerate().for_each(|(at, (values, residual))| {
            let kernel = Gradients {
                rows: self.block(at * block, values.len()),
                terms,
                values,
                residual: residual.take(),
            };
            T::dispatch(Instructions::detect(), kernel);
        });
        (values, residual)
    }
}

/// The gradients of scale and shift, from a block of rows.
struct GradientSums<'a, T> {
    rows: GradientRows<'a, T>,
    inverse: &'a [T],
    sums: &'a mut [Vec<T>; 2],
}

impl<T: Element> VectorKernel<T> for GradientSums<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let GradientRows {
            x,
            y,
            g,
            mean,
            relu,
        } = self.rows;
        let (inverse, [scale, shift]) = (self.inverse, self.sums);
        let channels = mean.len();
        let rows = x
            .chunks_exact(channels)
            .zip(y.chunks_exact(channels))
            .zip(g.chunks_exact(channels));
        for ((x, y), g) in rows {
            let values = x.iter().zip(y).zip(g).zip(mean);
            for ((((&x, &y), &g), &mean), (scale, shift)) in
                values.zip(scale.iter_mut().zip(shift.iter_mut()))
            {
                let g = if relu && y <= T::default() {
                    T::default()
                } else {
                    g
                };
                *scale = *scale + g * (x - mean);
                *shift = *shift + g;
            }
        }
        for (scale, &inverse) in scale.iter_mut().zip(inverse) {
            *scale = *scale * inverse;
        }
    }
}

/// The constants of the gradient, per channel.
struct GradientTerms<T> {
    factor: Vec<T>,
    constant: Vec<T>,
    along: Vec<T>,
}

/// The gradients of the values and the residual of a block of rows.
struct Gradients<'a, T> {
    rows: GradientRows<'a, T>,
    terms: &'a GradientTerms<T>,
    values: &'a mut [T],
    residual: Option<&'a mut [T]>,
}

impl<T: Element> VectorKernel<T> for Gradients<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let GradientRows {
            x,
            y,
            g,
            mean,
            relu,
        } = self.rows;
        let GradientTerms {
            factor,
            constant,
            along,
        } = self.terms;
        let (values, mut residual) = (self.values, self.residual);
        let channels = mean.len();
        let rows = x
            .chunks_exact(channels)
            .zip(y.chunks_exact(channels))
            .zip(g.chunks_exact(channels));
        for (at, (((x, y), g), out)) in rows.zip(values.chunks_exact_mut(channels)).enumerate() {
            let values = x
                .iter()
                .zip(y)
                .zip(g)
                .zip(mean)
                .zip(factor)
                .zip(constant)
                .zip(along);
            for (out, ((((((&x, &y), &g), &mean), &factor), &constant), &along)) in
                out.iter_mut().zip(values)
            {
                let g = if relu && y <= T::default() {
                    T::default()
                } else {
                    g
                };
                *out = factor * (g - constant - (x - mean) * along);
            }
            if let Some(residual) = &mut residual {
                for ((r, &y), &g) in residual[at * channels..].iter_mut().zip(y).zip(g) {
                    *r = if relu && y <= T::default() {
                        T::default()
                    } else {
                        g
                    };
                }
            }
        }
    }
}
