//! Vector products and sums.

use ndarray::Array2;

use crate::error::{MetricsError, Subject};
use crate::kernels::{Kernel, dispatch};

/// Inner product.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    dispatch(Dot(a, b))
}

pub(super) struct Dot<'a>(pub(super) &'a [f64], pub(super) &'a [f64]);

impl Kernel for Dot<'_> {
    type Output = f64;

    // Sixteen independent partial sums allow the compiler to use vector instructions.
    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        let (a_blocks, a_rest) = self.0.as_chunks::<16>();
        let (b_blocks, b_rest) = self.1.as_chunks::<16>();
        let mut lanes = [0.0; 16];
        for (x, y) in a_blocks.iter().zip(b_blocks) {
            for lane in 0..16 {
                lanes[lane] += x[lane] * y[lane];
            }
        }
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
        }
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
        lanes[0] + rest
    }
}

/// Inner product of `vector` with the difference `a - b`.
pub(crate) fn dot_difference(vector: &[f64], a: &[f64], b: &[f64]) -> f64 {
    dispatch(DotDifference { vector, a, b })
}

struct DotDifference<'a> {
    vector: &'a [f64],
    a: &'a [f64],
    b: &'a [f64],
}

impl Kernel for DotDifference<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        let (blocks, vector_rest) = self.vector.as_chunks::<8>();
        let (a_blocks, a_rest) = self.a.as_chunks::<8>();
        let (b_blocks, b_rest) = self.b.as_chunks::<8>();
        let mut lanes = [0.0; 8];
        for ((v, x), y) in blocks.iter().zip(a_blocks).zip(b_blocks) {
            for lane in 0..8 {
                lanes[lane] += v[lane] * (x[lane] - y[lane]);
            }
        }
        let rest = vector_rest.iter().zip(a_rest).zip(b_rest);
        let rest: f64 = rest.map(|((v, x), y)| v * (x - y)).sum();
        lanes.iter().sum::<f64>() + rest
    }
}

/// The rows of a matrix as vectors.
pub(crate) fn rows_of(matrix: &Array2<f64>) -> Vec<Vec<f64>> {
    matrix.rows().into_iter().map(|row| row.to_vec()).collect()
}

/// `sum += factor * vector`.
pub(super) fn add_scaled(sum: &mut [f64], factor: f64, vector: &[f64]) {
    dispatch(AddScaled(sum, factor, vector));
}

pub(super) struct AddScaled<'a>(
    pub(super) &'a mut [f64],
    pub(super) f64,
    pub(super) &'a [f64],
);

impl Kernel for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self(sum, factor, vector) = self;
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += factor * value;
        }
    }
}

/// Euclidean length.
pub(crate) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// Largest absolute entry; 0 for an empty matrix.
pub(crate) fn max_abs(matrix: &Array2<f64>) -> f64 {
    let sizes = matrix.iter().map(|value| value.abs());
    sizes.fold(0.0, f64::max)
}

/// Divides the matrix by its largest absolute entry, so that squares neither overflow nor
/// underflow. A zero matrix is an error.
pub(crate) fn scaled_to_one(
    matrix: Array2<f64>,
    array: Subject,
) -> Result<Array2<f64>, MetricsError> {
    let scale = max_abs(&matrix);
    if scale == 0.0 {
        return Err(MetricsError::ZeroNorm { array });
    }
    Ok(matrix / scale)
}

/// The linear combination $\sum_k f_k r_k$ of rows. Four rows are added at a time, so that the sum
/// is read and written less often.
pub(super) fn combination(factors: &[f64], rows: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; rows.first().map_or(0, Vec::len)];
    let (blocks, rest) = factors.as_chunks::<4>();
    for (factors, rows) in blocks.iter().zip(rows.as_chunks::<4>().0) {
        let rows = rows.each_ref().map(|row| row.as_slice());
        dispatch(AddFour(&mut sum, *factors, rows));
    }
    for (&factor, row) in rest.iter().zip(&rows[rows.len() - rest.len()..]) {
        add_scaled(&mut sum, factor, row);
    }
    sum
}

struct AddFour<'a>(&'a mut [f64], [f64; 4], [&'a [f64]; 4]);

impl Kernel for AddFour<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self(sum, [f, g, h, i], rows) = self;
        let [a, b, c, d] = rows.map(|row| &row[..sum.len()]);
        for index in 0..sum.len() {
            sum[index] += (f * a[index] + g * b[index]) + (h * c[index] + i * d[index]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_includes_blocks_and_remainder() {
        let a: Vec<f64> = (1..=19).map(f64::from).collect();
        assert!((dot(&a, &a) - 2470.0).abs() < 1e-12);
        assert!((norm(&[3.0, 4.0]) - 5.0).abs() < 1e-15);
    }

    #[test]
    fn differences_are_formed_before_products() {
        let a: Vec<f64> = (1..=11).map(f64::from).collect();
        let b: Vec<f64> = (1..=11).map(|i| f64::from(i) - 2.0).collect();
        assert!((crate::kernels::squared_distance(&a, &b) - 44.0).abs() < 1e-12);
        assert!((dot_difference(&a, &a, &b) - 132.0).abs() < 1e-12);
    }
}
