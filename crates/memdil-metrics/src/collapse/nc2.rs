//! NC2: class means and classifier rows form a simplex equiangular tight frame (ETF).

use ndarray::{Array2, ArrayView2};

use crate::MetricsError;
use crate::error::finite;
use crate::input::{Real, check_two_classes, to_f64};
use crate::linalg::scale_to_one;

/// Distance of the classifier's Gram matrix from that of a simplex ETF; 0 is an exact frame.
///
/// $$\mathrm{NC2} = \left\Vert \frac{W W^T}{\Vert W W^T \Vert_F} - \frac{I - J / K}{\sqrt{K - 1}} \right\Vert_F$$
///
/// $J$ is the matrix of ones. Scaling or rotating $W$ changes nothing. Source: Zhu et al. 2021.
///
/// # Shapes
/// `classifier` $W$ (classes x features) to one number between 0 and 2.
///
/// # Errors
/// Fewer than two classes, a non-finite entry, a classifier that is all zero.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let opposite = array![[2.0, 1.0], [-2.0, -1.0]];
/// assert!(memdil_metrics::nc2_etf(opposite.view())? < 1e-12);
/// // Orthonormal rows: I / sqrt 2 against [[1, -1], [-1, 1]] / 2.
/// let found = memdil_metrics::nc2_etf(array![[1.0, 0.0], [0.0, 1.0]].view())?;
/// assert!((found - (2.0 - 2.0_f64.sqrt()).sqrt()).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn nc2_etf<T: Real>(classifier: ArrayView2<'_, T>) -> Result<f64, MetricsError> {
    check_two_classes(classifier.nrows())?;
    let mut rows = to_f64(classifier, "classifier")?;
    scale_to_one(&mut rows, "classifier")?;
    finite("nc2_etf", distance_to_etf(&rows.dot(&rows.t())))
}

/// $\Vert A / \Vert A \Vert_F - (I - J/K) / \sqrt{K-1} \Vert_F$ for a non-zero $K \times K$ matrix $A$, $K \ge 2$.
pub(super) fn distance_to_etf(matrix: &Array2<f64>) -> f64 {
    let classes = matrix.nrows() as f64;
    let length = (classes - 1.0).sqrt();
    let (on, off) = ((1.0 - 1.0 / classes) / length, -1.0 / classes / length);
    let norm = frobenius(matrix);
    let squares = matrix.indexed_iter().map(|((i, j), value)| {
        let target = if i == j { on } else { off };
        (value / norm - target).powi(2)
    });
    squares.sum::<f64>().sqrt()
}

pub(super) fn frobenius(matrix: &Array2<f64>) -> f64 {
    matrix.iter().map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn an_etf_is_at_distance_zero_at_any_scale() {
        for scale in [1e-200, 1.0, 1e200] {
            let etf = array![[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0], [-1.0, -1.0, 2.0]] * scale;
            assert!(nc2_etf(etf.view()).unwrap() < 1e-15);
        }
    }

    #[test]
    fn the_negative_frame_is_at_distance_two() {
        let etf = array![[-0.5, 0.5], [0.5, -0.5]];
        assert!((distance_to_etf(&etf) - 2.0).abs() < 1e-15);
    }
}
