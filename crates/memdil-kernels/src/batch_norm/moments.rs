//! Mean and variance of channels.

use rayon::prelude::*;

use crate::error::{KernelError, check_batch};
use crate::vector::{Element, Instructions, Vector, VectorKernel};

/// Added to a variance before its root is taken; PyTorch's default.
pub(crate) const EPSILON: f64 = 1e-5;

/// Values in a block of rows, few enough to stay in the L1 cache between passes over them.
const BLOCK: usize = 4096;

/// Mean and biased variance of each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelMoments<T> {
    /// $\mu_c$.
    pub mean: Vec<T>,
    /// $\sigma_c^2 = \frac1n \sum_i (x_{ic} - \mu_c)^2$.
    pub variance: Vec<T>,
}

/// Mean and variance of each channel: two passes over each block of rows, and a merge of the blocks
/// in double precision (Chan, Golub and `LeVeque` 1983).
///
/// # Shapes
///
/// `x` (n, C) row-major, with n the number of pixels of all images.
///
/// # Errors
///
/// [`KernelError::Batch`] if `x` is empty or has an incomplete row.
pub fn moments<T: Element>(x: &[T], channels: usize) -> Result<ChannelMoments<T>, KernelError> {
    check_batch(x, channels)?;
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
    Ok(ChannelMoments {
        mean: mean.into_iter().map(T::from_f64).collect(),
        variance,
    })
}

/// Number of rows in a block.
pub(super) fn rows_of_block(channels: usize) -> usize {
    (BLOCK / channels).max(1)
}

/// The reciprocal of the standard deviation of each channel.
pub(super) fn inverse_deviations<T: Element>(
    moments: &ChannelMoments<T>,
) -> impl Iterator<Item = T> {
    moments
        .variance
        .iter()
        .map(|v| T::from_f64(1.0 / (v.to_f64() + EPSILON).sqrt()))
}

/// Mean of the rows of a block, and sum of the squared differences from it.
struct BlockMoments<'a, T> {
    x: &'a [T],
    sums: &'a mut [Vec<T>; 2],
}

impl<T: Element> VectorKernel<T> for BlockMoments<'_, T> {
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
