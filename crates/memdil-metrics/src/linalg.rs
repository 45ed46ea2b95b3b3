//! The little linear algebra that the metrics need.

use ndarray::Array2;

use crate::MetricsError;

/// Inner product in eight independent partial sums, which the compiler turns into vector instructions.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_blocks, a_rest) = a.as_chunks::<8>();
    let (b_blocks, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f64>() + rest
}

pub(crate) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// Largest absolute entry; 0 for an empty matrix.
pub(crate) fn max_abs(matrix: &Array2<f64>) -> f64 {
    matrix.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

/// Divides by the largest absolute entry, so that squares neither overflow nor vanish. Refuses a zero matrix.
pub(crate) fn scale_to_one(matrix: &mut Array2<f64>, array: &'static str) -> Result<(), MetricsError> {
    let scale = max_abs(matrix);
    if scale == 0.0 {
        return Err(MetricsError::ZeroNorm { array });
    }
    matrix.mapv_inplace(|value| value / scale);
    Ok(())
}

/// Sweeps after which [`orthogonalize`] gives up; six to ten are usual, thirty if lengths differ by many orders.
pub(crate) const MAX_SWEEPS: usize = 100;

/// Rotates vectors against each other until they are orthogonal (one-sided Jacobi, Hestenes 1958).
///
/// With the vectors as rows of $M = U S V^T$ the result is $S V^T$ up to order and sign: orthogonal rows whose
/// lengths are the singular values, so their squares are the non-zero eigenvalues of $M M^T$ and of $M^T M$.
/// Neither product is formed, because that would square the condition of $M$: where the singular values
/// span six orders of magnitude, an NC1 taken from the eigenvectors of $M M^T$ has four digits, this one nine.
pub(crate) fn orthogonalize(vectors: &mut [Vec<f64>], max_sweeps: usize) -> Result<(), MetricsError> {
    let longest_side = vectors.first().map_or(0, Vec::len).max(vectors.len()) as f64;
    let total: f64 = vectors.iter().map(|v| dot(v, v)).sum();
    // Below this squared length a vector is rounding noise: its direction means nothing and would never settle.
    let noise = (longest_side * f64::EPSILON).powi(2) * total;
    let tolerance = 8.0 * longest_side.sqrt() * f64::EPSILON;

    for _ in 0..max_sweeps {
        let mut settled = true;
        for p in 1..vectors.len() {
            let (head, tail) = vectors.split_at_mut(p);
            let a = &mut head[p - 1];
            for b in tail {
                settled &= !rotate(a, b, noise, tolerance);
            }
        }
        if settled {
            return Ok(());
        }
    }
    Err(MetricsError::NotConverged { sweeps: max_sweeps })
}

/// Makes two vectors orthogonal by a plane rotation; says whether that was needed.
fn rotate(a: &mut [f64], b: &mut [f64], noise: f64, tolerance: f64) -> bool {
    let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
    if aa.min(bb) <= noise || ab.abs() <= tolerance * (aa * bb).sqrt() {
        return false;
    }
    let zeta = (bb - aa) / (2.0 * ab);
    let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = cosine * tangent;
    for (x, y) in a.iter_mut().zip(b) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_adds_blocks_and_rest() {
        let a: Vec<f64> = (1..=19).map(f64::from).collect();
        assert!((dot(&a, &a) - 2470.0).abs() < 1e-12);
        assert!((norm(&[3.0, 4.0]) - 5.0).abs() < 1e-15);
    }

    #[test]
    fn orthogonal_rows_carry_the_singular_values() {
        // [[2, 2], [-1, 1]] has singular values 2 sqrt 2 and sqrt 2; [[3, 0], [4, 5]] has sqrt 45 and sqrt 5.
        for (rows, squares) in [([[2.0, 2.0], [-1.0, 1.0]], [2.0, 8.0]), ([[3.0, 0.0], [4.0, 5.0]], [5.0, 45.0])] {
            let mut vectors = rows.map(|row| row.to_vec());
            orthogonalize(&mut vectors, MAX_SWEEPS).unwrap();
            assert!(dot(&vectors[0], &vectors[1]).abs() < 1e-14);
            let mut found = [dot(&vectors[0], &vectors[0]), dot(&vectors[1], &vectors[1])];
            found.sort_by(f64::total_cmp);
            for (found, expected) in found.iter().zip(squares) {
                assert!((found - expected).abs() < 1e-13, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn more_vectors_than_dimensions_leave_rounding_noise_only() {
        let mut vectors: Vec<Vec<f64>> =
            (0..12).map(|i| (0..3).map(|j| f64::from((i * i * 7 + j * i + 3 * j) % 11) - 5.0).collect()).collect();
        let total: f64 = vectors.iter().map(|v| dot(v, v)).sum();
        orthogonalize(&mut vectors, MAX_SWEEPS).unwrap();
        let mut squares: Vec<f64> = vectors.iter().map(|v| dot(v, v)).collect();
        squares.sort_by(f64::total_cmp);
        assert!(squares[8] < 1e-28 * total && squares[9] > 1e-3 * total, "{squares:?}");
        assert!((squares.iter().sum::<f64>() / total - 1.0).abs() < 1e-14);
    }

    #[test]
    fn giving_up_is_an_error() {
        let mut vectors = vec![vec![1.0, 0.0], vec![1.0, 1.0]];
        assert_eq!(orthogonalize(&mut vectors, 1), Err(MetricsError::NotConverged { sweeps: 1 }));
    }
}
