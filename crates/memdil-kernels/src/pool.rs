//! Max pooling of two by two pixels, and its gradient.

use rayon::prelude::*;

use crate::error::{KernelError, check_length, check_sizes};
use crate::vector::Element;

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
    let (row, out_row) = (
        sizes.width * sizes.channels,
        sizes.width / 2 * sizes.channels,
    );
    let mut y = vec![T::default(); sizes.results()];
    y.par_chunks_exact_mut(out_row)
        .enumerate()
        .with_min_len(16)
        .for_each(|(at, y)| {
            let x = &x[sizes.first_row(at) * row..][..2 * row];
            for (at, y) in y.iter_mut().enumerate() {
                let [a, b, c, d] = sizes.corners(at).map(|at| x[at]);
                *y = larger(larger(a, b), larger(c, d));
            }
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
    let (row, out_row) = (
        sizes.width * sizes.channels,
        sizes.width / 2 * sizes.channels,
    );
    let image = sizes.height * row;
    let mut gradient = vec![T::default(); x.len()];
    gradient
        .par_chunks_exact_mut(image)
        .zip(x.par_chunks_exact(image))
        .enumerate()
        .for_each(|(n, (gradient, x))| {
            let rows = gradient
                .chunks_exact_mut(2 * row)
                .zip(x.chunks_exact(2 * row));
            for ((gradient, x), g) in
                rows.zip(g[n * (sizes.height / 2) * out_row..].chunks_exact(out_row))
            {
                for (at, &g) in g.iter().enumerate() {
                    let corners = sizes.corners(at);
                    let first = corners
                        .into_iter()
                        .reduce(|best, at| if x[at] > x[best] { at } else { best });
                    gradient[first.unwrap_or(corners[0])] = g;
                }
            }
        });
    Ok(gradient)
}

/// The larger value; NaN propagates.
fn larger<T: Element>(a: T, b: T) -> T {
    if a >= b || a.to_f64().is_nan() { a } else { b }
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

    /// Indices, within two input rows, of the four pixels of a value of the result.
    fn corners(&self, at: usize) -> [usize; 4] {
        let first = at / self.channels * 2 * self.channels + at % self.channels;
        let below = first + self.width * self.channels;
        [first, first + self.channels, below, below + self.channels]
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
