//! Normalisation by given moments, with a residual and ReLU.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::moments::{ChannelMoments, inverse_deviations, rows_of_block};
use crate::error::{KernelError, check_batch, check_length};
use crate::vector::{Element, Instructions, Vector, VectorKernel};

/// The operations after a normalisation.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a, T> {
    /// Values to add, as many as there are normalised values.
    pub residual: Option<&'a [T]>,
    /// Whether to apply $\max(0, \cdot)$ to the result.
    pub relu: bool,
}

/// $y = \max\bigl(0, \gamma_c \frac{x - \mu_c}{\sqrt{\sigma_c^2 + 10^{-5}}} + \beta_c + r\bigr)$,
/// where the residual $r$ and the maximum are optional (Ioffe and Szegedy 2015).
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
/// use memdil_kernels::{Epilogue, moments, normalize};
///
/// let x = [0.0_f64, 2.0, 4.0];
/// let found = moments(&x, 1)?;
/// let y = normalize(&x, &found, &[1.0], &[0.0], Epilogue { residual: None, relu: true })?;
/// assert!(y[0] == 0.0 && y[1] == 0.0 && (y[2] - 1.224_742).abs() < 1e-5);
/// # Ok::<(), memdil_kernels::KernelError>(())
/// ```
pub fn normalize<T: Element>(
    x: &[T],
    moments: &ChannelMoments<T>,
    scale: &[T],
    shift: &[T],
    epilogue: Epilogue<'_, T>,
) -> Result<Vec<T>, KernelError> {
    let channels = scale.len();
    check(x, moments, scale, shift, epilogue.residual)?;
    let factor: Vec<T> = inverse_deviations(moments)
        .zip(scale)
        .map(|(inverse, &scale)| inverse * scale)
        .collect();
    let mut y = Vec::with_capacity(x.len());
    let block = rows_of_block(channels) * channels;
    let blocks = y.spare_capacity_mut()[..x.len()].par_chunks_mut(block);
    blocks.enumerate().for_each(|(at, y)| {
        let x = &x[at * block..][..y.len()];
        let kernel = Affine {
            x,
            y,
            mean: &moments.mean,
            factor: &factor,
            shift,
            residual: epilogue.residual.map(|r| &r[at * block..][..x.len()]),
            relu: epilogue.relu,
        };
        T::dispatch(Instructions::detect(), kernel);
    });
    // SAFETY: the blocks have written all values.
    unsafe { y.set_len(x.len()) };
    Ok(y)
}

/// Rejects slices whose lengths do not match the values and the scale.
pub(super) fn check<T>(
    x: &[T],
    moments: &ChannelMoments<T>,
    scale: &[T],
    shift: &[T],
    residual: Option<&[T]>,
) -> Result<(), KernelError> {
    check_batch(x, scale.len())?;
    check_length("shift", shift, scale.len())?;
    check_length("mean", &moments.mean, scale.len())?;
    check_length("variance", &moments.variance, scale.len())?;
    residual.map_or(Ok(()), |r| check_length("residual", r, x.len()))
}

/// `y = (x - mean) factor + shift` and the epilogue, for a block of rows.
struct Affine<'a, T> {
    x: &'a [T],
    y: &'a mut [MaybeUninit<T>],
    mean: &'a [T],
    factor: &'a [T],
    shift: &'a [T],
    residual: Option<&'a [T]>,
    relu: bool,
}

impl<T: Element> VectorKernel<T> for Affine<'_, T> {
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
        let rows = y.chunks_exact_mut(channels).zip(x.chunks_exact(channels));
        for (at, (y, x)) in rows.enumerate() {
            let values = x.iter().zip(mean).zip(factor).zip(shift);
            let values = y.iter_mut().zip(values);
            match residual.map(|r| &r[at * channels..]) {
                None => {
                    for (y, (((&x, &mean), &factor), &shift)) in values {
                        y.write(rectified((x - mean) * factor + shift, relu));
                    }
                }
                Some(residual) => {
                    for ((y, (((&x, &mean), &factor), &shift)), &r) in values.zip(residual) {
                        y.write(rectified((x - mean) * factor + shift + r, relu));
                    }
                }
            }
        }
    }
}

/// The value, or its positive part if `relu`.
#[inline(always)]
fn rectified<T: Element>(value: T, relu: bool) -> T {
    // In this order of operands, NaN propagates.
    if relu && value < T::default() {
        T::default()
    } else {
        value
    }
}
