//! Batch normalisation of channels, with what follows it in a convolutional network, and its
//! gradient.

use rayon::prelude::*;

use crate::block::EPSILON;
use crate::vector::{Kernel, Vector};
use crate::{Element, Instructions, KernelError};

/// Values of a block of rows: they stay in the first-level cache between passes over them.
const BLOCK: usize = 4096;

/// Mean and biased variance of every channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments<T> {
    /// $\mu_c$.
    pub mean: Vec<T>,
    /// $\sigma_c^2 = \frac1n \sum_i (x_{ic} - \mu_c)^2$.
    pub variance: Vec<T>,
}

/// What follows the normalisation.
#[derive(Clone, Copy, Debug)]
pub struct Follow<'a, T> {
    /// Values that are added, as many as there are.
    pub residual: Option<&'a [T]>,
    /// Whether $\max(0, \cdot)$ is taken of the result.
    pub relu: bool,
}

/// Gradients of [`normalize`].
#[derive(Clone, Debug)]
pub struct NormGradient<T> {
    /// Of the values, (n, C).
    pub values: Vec<T>,
    /// Of the residual, where there is one: (n, C).
    pub residual: Option<Vec<T>>,
    /// Of the scale $\gamma$, (C).
    pub scale: Vec<T>,
    /// Of the shift $\beta$, (C).
    pub shift: Vec<T>,
}

/// Mean and variance of every channel, each block of rows in two passes, the blocks merged in
/// double precision (Chan, Golub and `LeVeque` 1983).
///
/// # Shapes
///
/// `x` (n, C) row-major, n the pixels of all images.
///
/// # Errors
///
/// [`KernelError::Batch`] when `x` holds no whole rows.
pub fn moments<T: Element>(x: &[T], channels: usize) -> Result<Moments<T>, KernelError> {
    rows(x, channels)?;
    let rows = rows_of_block(channels);
    let blocks: Vec<[Vec<T>; 2]> = x
        .par_chunks(rows * channels)
        .map(|x| {
            let mut sums = [vec![T::default(); channels], vec![T::default(); channels]];
            T::dispatch(Instructions::detect(), BlockMoments { x, sums: &mut sums });
            sums
        })
        .collect();
    let (mut n, mut mean, mut squares) = (0.0, vec![0.0; channels], vec![0.0; channels]);
    for (block, x) in blocks.iter().zip(x.chunks(rows * channels)) {
        let more = (x.len() / channels) as f64;
        for c in 0..channels {
            let difference = block[0][c].to_f64() - mean[c];
            mean[c] += difference * more / (n + more);
            squares[c] += block[1][c].to_f64() + difference * difference * n * more / (n + more);
        }
        n += more;
    }
    let variance = squares.iter().map(|s| T::from_f64(s / n)).collect();
    Ok(Moments {
        mean: mean.into_iter().map(T::from_f64).collect(),
        variance,
    })
}

/// $y = \max\bigl(0,\; \gamma_c \frac{x - \mu_c}{\sqrt{\sigma_c^2 + 10^{-5}}} + \beta_c + r\bigr)$,
/// residual $r$ and maximum where they are asked for (Ioffe and Szegedy 2015).
///
/// # Shapes
///
/// `x` and the residual (n, C) row-major, `scale`, `shift` and the moments (C); result (n, C).
///
/// # Errors
///
/// [`KernelError::Batch`], [`KernelError::Length`].
///
/// ```
/// use memdil_kernels::{Follow, moments, normalize};
///
/// let x = [0.0_f64, 2.0, 4.0];
/// let found = moments(&x, 1)?;
/// let y = normalize(&x, &found, &[1.0], &[0.0], Follow { residual: None, relu: true })?;
/// assert!(y[0] == 0.0 && y[1] == 0.0 && (y[2] - 1.224_742).abs() < 1e-5);
/// # Ok::<(), memdil_kernels::KernelError>(())
/// ```
pub fn normalize<T: Element>(
    x: &[T],
    moments: &Moments<T>,
    scale: &[T],
    shift: &[T],
    follow: Follow<'_, T>,
) -> Result<Vec<T>, KernelError> {
    let channels = scale.len();
    check(x, moments, scale, shift, follow.residual)?;
    let factor: Vec<T> = inverse_deviations(moments)
        .zip(scale)
        .map(|(inverse, &scale)| inverse * scale)
        .collect();
    let mut y = vec![T::default(); x.len()];
    let block = rows_of_block(channels) * channels;
    y.par_chunks_mut(block).enumerate().for_each(|(at, y)| {
        let x = &x[at * block..][..y.len()];
        let residual = follow.residual.map(|r| &r[at * block..][..y.len()]);
        let relu = follow.relu;
        T::dispatch(
            Instructions::detect(),
            Affine {
                x,
                y,
                mean: &moments.mean,
                factor: &factor,
                shift,
                residual,
                relu,
            },
        );
    });
    Ok(y)
}

/// The gradient of [`normalize`] by the moments of its own values, from its result `y` and the
/// gradient `g` of that.
///
/// With $\hat x$ the normalised values and $g$ zero where the maximum is:
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
    moments: &Moments<T>,
    scale: &[T],
    follow: Follow<'_, T>,
) -> Result<NormGradient<T>, KernelError> {
    let channels = scale.len();
    check(x, moments, scale, scale, follow.residual)?;
    length("result", y, x.len())?;
    length("gradient", g, x.len())?;
    let block = rows_of_block(channels) * channels;
    let inverse: Vec<T> = inverse_deviations(moments).collect();
    let sums: Vec<[Vec<T>; 2]> = (
        x.par_chunks(block),
        y.par_chunks(block),
        g.par_chunks(block),
    )
        .into_par_iter()
        .map(|(x, y, g)| {
            let mut sums = [vec![T::default(); channels], vec![T::default(); channels]];
            let (mean, relu) = (&moments.mean, follow.relu);
            T::dispatch(
                Instructions::detect(),
                GradientSums {
                    x,
                    y,
                    g,
                    mean,
                    inverse: &inverse,
                    relu,
                    sums: &mut sums,
                },
            );
            sums
        })
        .collect();
    let total = |which: usize| -> Vec<f64> {
        (0..channels)
            .map(|c| sums.iter().map(|block| block[which][c].to_f64()).sum())
            .collect()
    };
    let (scale_gradient, shift_gradient) = (total(0), total(1));
    let n = (x.len() / channels) as f64;
    let number = |values: &[f64]| values.iter().map(|&v| T::from_f64(v)).collect::<Vec<T>>();
    // The gradient is a (g - b) - c (x - mean) for every channel.
    let terms = Terms {
        factor: inverse
            .iter()
            .zip(scale)
            .map(|(&inverse, &scale)| inverse * scale)
            .collect(),
        constant: shift_gradient
            .iter()
            .map(|sum| T::from_f64(sum / n))
            .collect(),
        along: (0..channels)
            .map(|c| T::from_f64(scale_gradient[c] / n * inverse[c].to_f64()))
            .collect(),
    };
    let mut values = vec![T::default(); x.len()];
    let mut residual = vec![
        T::default();
        if follow.residual.is_some() {
            x.len()
        } else {
            0
        }
    ];
    let blocks = values.par_chunks_mut(block).enumerate();
    let apply = |at: usize, values: &mut [T], residual: Option<&mut [T]>| {
        let [x, y, g] = [x, y, g].map(|all| &all[at * block..][..values.len()]);
        let (mean, relu, terms) = (&moments.mean, follow.relu, &terms);
        T::dispatch(
            Instructions::detect(),
            Apply {
                x,
                y,
                g,
                mean,
                terms,
                relu,
                values,
                residual,
            },
        );
    };
    if follow.residual.is_some() {
        blocks
            .zip(residual.par_chunks_mut(block))
            .for_each(|((at, values), r)| apply(at, values, Some(r)));
    } else {
        blocks.for_each(|(at, values)| apply(at, values, None));
    }
    Ok(NormGradient {
        values,
        residual: follow.residual.map(|_| residual),
        scale: number(&scale_gradient),
        shift: number(&shift_gradient),
    })
}

fn rows_of_block(channels: usize) -> usize {
    (BLOCK / channels).max(1)
}

fn inverse_deviations<T: Element>(moments: &Moments<T>) -> impl Iterator<Item = T> {
    moments
        .variance
        .iter()
        .map(|v| T::from_f64(1.0 / (v.to_f64() + EPSILON).sqrt()))
}

fn rows<T>(x: &[T], channels: usize) -> Result<(), KernelError> {
    if x.is_empty() || channels == 0 || !x.len().is_multiple_of(channels) {
        return Err(KernelError::Batch {
            found: x.len(),
            inputs: channels,
        });
    }
    Ok(())
}

fn length<T>(name: &str, values: &[T], expected: usize) -> Result<(), KernelError> {
    let found = values.len();
    if found == expected {
        Ok(())
    } else {
        Err(KernelError::Length {
            name: name.to_owned(),
            found,
            expected,
        })
    }
}

fn check<T>(
    x: &[T],
    moments: &Moments<T>,
    scale: &[T],
    shift: &[T],
    residual: Option<&[T]>,
) -> Result<(), KernelError> {
    rows(x, scale.len())?;
    for (name, values) in [
        ("shift", shift),
        ("mean", &moments.mean),
        ("variance", &moments.variance),
    ] {
        length(name, values, scale.len())?;
    }
    residual.map_or(Ok(()), |residual| length("residual", residual, x.len()))
}

/// Mean of the rows of a block, and sum of the squares of the rest.
struct BlockMoments<'a, T> {
    x: &'a [T],
    sums: &'a mut [Vec<T>; 2],
}

impl<T: Element> Kernel<T> for BlockMoments<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let [mean, squares] = self.sums;
        let channels = mean.len();
        for row in self.x.chunks_exact(channels) {
            for (sum, &x) in mean.iter_mut().zip(row) {
                *sum = *sum + x;
            }
        }
        let n = T::from_f64((self.x.len() / channels) as f64);
        for sum in mean.iter_mut() {
            *sum = *sum / n;
        }
        for row in self.x.chunks_exact(channels) {
            for ((sum, &mean), &x) in squares.iter_mut().zip(&*mean).zip(row) {
                *sum = *sum + (x - mean) * (x - mean);
            }
        }
    }
}

struct Affine<'a, T> {
    x: &'a [T],
    y: &'a mut [T],
    mean: &'a [T],
    factor: &'a [T],
    shift: &'a [T],
    residual: Option<&'a [T]>,
    relu: bool,
}

impl<T: Element> Kernel<T> for Affine<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let Self {
            x,
            y,
            mean,
            factor,
            shift,
            residual,
            relu,
        } = self;
        let channels = mean.len();
        for (at, (y, x)) in y
            .chunks_exact_mut(channels)
            .zip(x.chunks_exact(channels))
            .enumerate()
        {
            for ((((y, &x), &mean), &factor), &shift) in
                y.iter_mut().zip(x).zip(mean).zip(factor).zip(shift)
            {
                *y = (x - mean) * factor + shift;
            }
            if let Some(residual) = residual {
                for (y, &r) in y.iter_mut().zip(&residual[at * channels..]) {
                    *y = *y + r;
                }
            }
            if relu {
                for y in y {
                    // In this order, what is not a number stays visible.
                    *y = if *y < T::default() { T::default() } else { *y };
                }
            }
        }
    }
}

struct GradientSums<'a, T> {
    x: &'a [T],
    y: &'a [T],
    g: &'a [T],
    mean: &'a [T],
    inverse: &'a [T],
    relu: bool,
    sums: &'a mut [Vec<T>; 2],
}

impl<T: Element> Kernel<T> for GradientSums<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let Self {
            x,
            y,
            g,
            mean,
            inverse,
            relu,
            sums: [scale, shift],
        } = self;
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

/// Constants of every channel.
struct Terms<T> {
    factor: Vec<T>,
    constant: Vec<T>,
    along: Vec<T>,
}

struct Apply<'a, T> {
    x: &'a [T],
    y: &'a [T],
    g: &'a [T],
    mean: &'a [T],
    terms: &'a Terms<T>,
    relu: bool,
    values: &'a mut [T],
    residual: Option<&'a mut [T]>,
}

impl<T: Element> Kernel<T> for Apply<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let Self {
            x,
            y,
            g,
            mean,
            terms:
                Terms {
                    factor,
                    constant,
                    along,
                },
            relu,
            values,
            mut residual,
        } = self;
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
