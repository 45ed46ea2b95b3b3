//! One-sided Jacobi rotations.

use super::vectors::{Dot, dot};
use crate::error::MetricsError;
use crate::kernels::{Kernel, dispatch};

/// Rotates vectors against each other until they are orthogonal. `longest_side` is the larger
/// dimension of the original matrix.
pub(super) fn rotate_all(
    vectors: &mut [Vec<f64>],
    longest_side: usize,
    max_sweeps: usize,
) -> Result<(), MetricsError> {
    let longest_side = longest_side as f64;
    let total: f64 = vectors.iter().map(|v| dot(v, v)).sum();
    // Vectors with a smaller squared length are rounding noise, whose direction would never
    // converge.
    let noise = (longest_side * f64::EPSILON).powi(2) * total;
    let tolerance = 8.0 * longest_side.sqrt() * f64::EPSILON;
    for _ in 0..max_sweeps {
        let sweep = JacobiSweep {
            vectors,
            noise,
            tolerance,
        };
        if dispatch(sweep) == 0 {
            return Ok(());
        }
    }
    Err(MetricsError::NotConverged { sweeps: max_sweeps })
}

/// One cyclic Jacobi sweep: rotates every pair of vectors that is not orthogonal and returns the
/// number of rotations.
struct JacobiSweep<'a> {
    vectors: &'a mut [Vec<f64>],
    noise: f64,
    tolerance: f64,
}

impl Kernel for JacobiSweep<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> usize {
        let vectors = self.vectors;
        let squares = vectors.iter().map(|v| Dot(v, v).run::<FUSED>());
        let mut squares: Vec<f64> = squares.collect();
        let mut turned = 0;
        for p in 1..vectors.len() {
            let (head, tail) = vectors.split_at_mut(p);
            let (head_squares, tail_squares) = squares.split_at_mut(p);
            let (a, aa) = (&mut head[p - 1], &mut head_squares[p - 1]);
            for (b, bb) in tail.iter_mut().zip(tail_squares) {
                let ab = Dot(a, b).run::<FUSED>();
                if aa.min(*bb) <= self.noise || ab.abs() <= self.tolerance * (*aa * *bb).sqrt() {
                    continue;
                }
                turned += 1;
                // The smaller of the two angles that make the pair orthogonal.
                let zeta = (*bb - *aa) / (2.0 * ab);
                let tangent = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
                let sine = cosine * tangent;
                for (x, y) in a.iter_mut().zip(b.iter_mut()) {
                    (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
                }
                (*aa, *bb) = (*aa - tangent * ab, *bb + tangent * ab);
            }
        }
        turned
    }
}
