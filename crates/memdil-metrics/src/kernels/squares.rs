//! Sums of squared products per vector.

use super::dispatch::{Kernel, dispatch};
use super::real::Real;

/// Adds $\sum_i p_{ij}^2$ to `sums` for the first `sums.len()` columns $j$; rows have `stride`
/// entries.
pub(crate) fn add_squares<C: Real>(rows: &[C], stride: usize, sums: &mut [f64]) {
    dispatch(AddSquares { rows, stride, sums });
}

struct AddSquares<'a, C> {
    rows: &'a [C],
    stride: usize,
    sums: &'a mut [f64],
}

impl<C: Real> Kernel for AddSquares<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for row in self.rows.chunks_exact(self.stride) {
            for (sum, &product) in self.sums.iter_mut().zip(row) {
                let product: f64 = product.into();
                *sum += product * product;
            }
        }
    }
}
