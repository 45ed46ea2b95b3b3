//! Max pooling of two by two pixels, and its gradient.

use rayon::prelude::*;

use crate::error::{KernelError, check_length, check_sizes};
use crate::vector::{Element, Instructions, Vector, VectorKernel};

/// Sizes of the images that [`max_pool`] halves; an odd last row or column is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Images of a batch.
    pub images: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

/// The maximum of each block of two by two pixels.
///
/// # Shapes
///
/// `x` (n, height, width, C) row-major, result (n, height / 2, width / 2, C).
///
/// # Errors
///
/// [`KernelError::Size`], [`KernelError::Length`].
pub fn max_pool<T: Element>(sizes: &Pool, x: &[T]) -> Result<Vec<T>, KernelError> {
    sizes.check(x)?;
    let (row, out_row) = (sizes.row(), sizes.width / 2 * sizes.channels);
    let mut y = vec![T::default(); sizes.results()];
    y.par_chunks_exact_mut(out_row)
        .enumerate()
        .with_min_len(16)
        .for_each(|(at, y)| {
            let kernel = PoolRow {
                channels: sizes.channels,
                x: x[sizes.first_row(at) * row..][..2 * row].split_at(row),
                y,
            };
            T::dispatch(Instructions::detect(), kernel);
        });
    Ok(y)
}

/// The gradient of [`max_pool`] from the gradient `g` of its result: each value goes to the first
/// of the largest pixels.
///
/// # Shapes
///
/// `x` as in [`max_pool`], `g` as its result, result as `x`.
///
/// # Errors
///
/// [`KernelError::Size`], [`KernelError::Length`].
pub fn max_pool_gradient<T: Element>(
    sizes: &Pool,
    x: &[T],
    g: &[T],
) -> Result<Vec<T>, KernelError> {
    sizes.check(x)?;
    check_length("gradient", g, sizes.results())?;
    let (row, out_row) = (sizes.row(), sizes.width / 2 * sizes.channels);
    let mut gradient = vec![T::default(); x.len()];
    let images = gradient.par_chunks_exact_mut(sizes.height * row);
    images.enumerate().for_each(|(image, gradient)| {
        for (at, gradient) in gradient.chunks_exact_mut(2 * row).enumerate() {
            let at = image * (sizes.height / 2) + at;
            let kernel = PoolGradientRow {
                channels: sizes.channels,
                x: x[sizes.first_row(at) * row..][..2 * row].split_at(row),
                g: &g[at * out_row..][..out_row],
                gradient: gradient.split_at_mut(row),
            };
            T::dispatch(Instructions::detect(), kernel);
        }
    });
    Ok(gradient)
}

/// A row of results, from two rows of images.
struct PoolRow<'a, T> {
    channels: usize,
    x: (&'a [T], &'a [T]),
    y: &'a mut [T],
}

impl<T: Element> VectorKernel<T> for PoolRow<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let (above, below) = self.x;
        let pixels = self.y.chunks_exact_mut(self.channels);
        for ((y, above), below) in pixels
            .zip(above.chunks_exact(2 * self.channels))
            .zip(below.chunks_exact(2 * self.channels))
        {
            let (above, below) = (above.split_at(self.channels), below.split_at(self.channels));
            let above = above.0.iter().zip(above.1);
            let below = below.0.iter().zip(below.1);
            for (y, ((&a, &b), (&c, &d))) in y.iter_mut().zip(above.zip(below)) {
                *y = larger(larger(a, b), larger(c, d));
            }
        }
    }
}

/// The gradients of two rows of images, from a row of gradients.
struct PoolGradientRow<'a, T> {
    channels: usize,
    x: (&'a [T], &'a [T]),
    g: &'a [T],
    gradient: (&'a mut [T], &'a mut [T]),
}

impl<T: Element> VectorKernel<T> for PoolGradientRow<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let Self {
            channels,
            x,
            g,
            gradient,
        } = self;
        let x =
            x.0.chunks_exact(2 * channels)
                .zip(x.1.chunks_exact(2 * channels));
        let gradient = gradient
            .0
            .chunks_exact_mut(2 * channels)
            .zip(gradient.1.chunks_exact_mut(2 * channels));
        for (((above, below), (g_above, g_below)), g) in
            x.zip(gradient).zip(g.chunks_exact(channels))
        {
            let (a, b) = above.split_at(channels);
            let (c, d) = below.split_at(channels);
            let (g_a, g_b) = g_above.split_at_mut(channels);
            let (g_c, g_d) = g_below.split_at_mut(channels);
            for at in (0..channels).step_by(V::LANES) {
                let count = channels - at;
                // SAFETY: `dispatch` requires supported instructions; all slices have `channels`
                // values.
                unsafe {
                    let x = [a, b, c, d].map(|x| V::load_first(x.as_ptr().add(at), count));
                    let parts = parts_of_largest(x, V::load_first(g.as_ptr().add(at), count));
                    let to = [&mut *g_a, &mut *g_b, &mut *g_c, &mut *g_d];
                    for (part, to) in parts.into_iter().zip(to) {
                        part.store_first(to.as_mut_ptr().add(at), count);
                    }
                }
            }
        }
    }
}

/// The gradient `g` at the first of the largest values, and zero at the others.
///
/// # Safety
///
/// The processor must support the vector's instructions.
#[inline(always)]
unsafe fn parts_of_largest<V: Vector>([a, b, c, d]: [V; 4], g: V) -> [V; 4] {
    unsafe {
        let one = V::splat(V::Scalar::from_f64(1.0));
        // `x > y` where `x - y > 0`.
        let b_over_a = b.sub(a);
        let largest = b.max(a);
        let c_over_both = c.sub(largest);
        let d_over_all = d.sub(c.max(largest));
        let unless = |g: V, mask| g.where_positive(one.sub(one.where_positive(mask)));
        let of_abc = unless(g, d_over_all);
        let of_ab = unless(of_abc, c_over_both);
        [
            unless(of_ab, b_over_a),
            of_ab.where_positive(b_over_a),
            of_abc.where_positive(c_over_both),
            g.where_positive(d_over_all),
        ]
    }
}

/// The larger value; NaN propagates.
#[inline(always)]
#[allow(clippy::eq_op, reason = "a value that differs from itself is NaN")]
fn larger<T: Element>(a: T, b: T) -> T {
    if a >= b || a != a { a } else { b }
}

impl Pool {
    /// Values of the result.
    fn results(&self) -> usize {
        self.images * (self.height / 2) * (self.width / 2) * self.channels
    }

    /// The first of the two input rows of a row of the result.
    fn first_row(&self, row: usize) -> usize {
        let half = self.height / 2;
        row / half * self.height + row % half * 2
    }

    /// Values of a row of an image.
    fn row(&self) -> usize {
        self.width * self.channels
    }

    fn check<T>(&self, x: &[T]) -> Result<(), KernelError> {
        check_sizes(&[
            ("images", self.images, 1),
            ("height", self.height, 2),
            ("width", self.width, 2),
            ("channels", self.channels, 1),
        ])?;
        let values = self.images * self.height * self.width * self.channels;
        check_length("images", x, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_images_computed_by_hand() {
        // The odd column is dropped; the first of equal pixels receives the gradient.
        let sizes = Pool {
            images: 2,
            height: 2,
            width: 3,
            channels: 2,
        };
        let x = [
            1, 8, 2, 7, 9, 9, 3, 6, 3, 5, 9, 9, 0, 0, 0, 0, 5, 5, 0, 0, 0, -1, 5, 5,
        ]
        .map(f64::from);
        assert_eq!(max_pool(&sizes, &x).unwrap(), [3.0, 8.0, 0.0, 0.0]);
        let gradient = max_pool_gradient(&sizes, &x, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let mut expected = [0.0; 24];
        (expected[6], expected[1], expected[12], expected[13]) = (1.0, 2.0, 3.0, 4.0);
        assert_eq!(gradient, expected);
        let flat = Pool { height: 1, ..sizes };
        assert_eq!(
            max_pool(&flat, &x),
            Err(KernelError::Size {
                name: "height",
                value: 1,
                least: 2
            })
        );
    }
}
