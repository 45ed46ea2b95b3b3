//! NC1: features collapse to their class means.

use ndarray::{Array2, ArrayView2};

use crate::MetricsError;
use crate::class_means::Centres;
use crate::error::finite;
use crate::input::{Real, check_two_classes};
use crate::linalg::{MAX_SWEEPS, dot, max_abs, orthogonalize};

/// Within-class variability relative to the scatter of the class means; 0 is full collapse.
///
/// $$\mathrm{NC1} = \frac{1}{K} \mathrm{tr}(\Sigma_W \Sigma_B^+), \quad
///   \Sigma_W = \frac{1}{n} \sum_i (h_i - \mu_{y_i})(h_i - \mu_{y_i})^T, \quad
///   \Sigma_B = \frac{1}{K} \sum_k (\mu_k - \mu_G)(\mu_k - \mu_G)^T$$
///
/// with the sample mean $\mu_G$; the pseudo-inverse drops eigenvalues up to $\max(K, d) \cdot 2.2 \cdot 10^{-16}$
/// times the largest. Source: Papyan et al. 2020.
///
/// No matrix of features by features is formed. Orthogonal vectors $r_j$ with $\sum_j r_j r_j^T = K \Sigma_B$, at most
/// $K - 1$ of them, follow from the centred class means, and
/// $\mathrm{NC1} = \frac{1}{n} \sum_i \sum_j (r_j^T (h_i - \mu_{y_i}) / r_j^T r_j)^2$. For $n$ samples
/// of $d$ features this takes two passes, $O(n d K)$ time and $O(d K)$ memory; as the class mean
/// is subtracted first, nothing cancels however far the features lie from the origin.
///
/// # Shapes
/// `features` (samples x features), `labels` (samples), `classes` to one number, reduced over samples. Classes may be
/// unbalanced, features may depend on each other and may be fewer than the classes.
///
/// # Errors
/// Fewer than two classes, no samples, lengths that differ, a label outside `0..classes`, a class without samples,
/// non-finite features, class means that coincide, values beyond the range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// // Two classes at x = -2 and x = 2, spread by 1 along x; the spread along y does not count.
/// let features = array![[-3.0, 5.0], [-1.0, -5.0], [1.0, 5.0], [3.0, -5.0]];
/// let nc1 = memdil_metrics::nc1(features.view(), &[0, 0, 1, 1], 2)?;
/// assert!((nc1 - 0.125).abs() < 1e-12); // variance 1 / scatter 4 / 2 classes
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn nc1<T: Real>(features: ArrayView2<'_, T>, labels: &[u32], classes: usize) -> Result<f64, MetricsError> {
    check_two_classes(classes)?;
    let centres = Centres::of_classes(features, labels, classes)?;
    let directions = between_class_directions(&centres.centred()?)?;
    let mut sum = 0.0;
    centres.for_each_residual(
        features,
        |row| Some(labels[row] as usize),
        |_, residual| sum += directions.iter().map(|direction| dot(direction, residual).powi(2)).sum::<f64>(),
    )?;
    finite("nc1", sum / centres.samples() as f64)
}

/// Vectors $r_j / (r_j^T r_j)$ for the $r_j$ of [`nc1`], so that $K \Sigma_B^+$ acts as the sum of their squares.
fn between_class_directions(centred: &Array2<f64>) -> Result<Vec<Vec<f64>>, MetricsError> {
    let scale = max_abs(centred);
    let mut vectors: Vec<Vec<f64>> =
        centred.rows().into_iter().map(|row| row.iter().map(|value| value / scale).collect()).collect();
    orthogonalize(&mut vectors, MAX_SWEEPS)?;

    let eigenvalues: Vec<f64> = vectors.iter().map(|vector| dot(vector, vector)).collect();
    let largest = eigenvalues.iter().fold(0.0_f64, |a, &b| a.max(b));
    let longest_side = centred.nrows().max(centred.ncols()) as f64;
    let cutoff = longest_side * f64::EPSILON * largest;
    let kept = vectors.into_iter().zip(eigenvalues).filter(|&(_, eigenvalue)| eigenvalue > cutoff);
    Ok(kept.map(|(vector, eigenvalue)| vector.iter().map(|value| value / eigenvalue / scale).collect()).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn there_are_as_many_directions_as_the_means_have_dimensions() {
        let rank = |centred: Array2<f64>| between_class_directions(&centred).unwrap().len();
        assert_eq!(rank(array![[1.0, 0.0], [-1.0, 0.0]]), 1);
        assert_eq!(rank(array![[0.1, 0.3], [0.2, 0.6], [-0.3, -0.9]]), 1);
        assert_eq!(rank(array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, -1.0, 0.0]]), 2);
        assert_eq!(rank(array![[0.3], [0.4], [-0.7], [0.1], [-0.1]]), 1);
    }

    #[test]
    fn unbalanced_classes_use_sample_means_and_unweighted_scatter() {
        // Means 0 and 4 from 3 and 1 samples: mu_G = 1, Sigma_B = (1 + 9) / 2 = 5, Sigma_W = 2 / 4.
        let features = array![[-1.0], [0.0], [1.0], [4.0]];
        let found = nc1(features.view(), &[0, 0, 0, 1], 2).unwrap();
        assert!((found - 0.05).abs() < 1e-15);
    }

    #[test]
    fn a_collapsed_cloud_far_away_keeps_its_digits() {
        // +-1 around 2^18, spread by 1/16: exact in f32, where squares of the features would keep nothing of it.
        let (offset, spread) = (262_144.0_f32, 1.0 / 16.0);
        let features = array![[-1.0 - spread], [-1.0 + spread], [1.0 - spread], [1.0 + spread]] + offset;
        let found = nc1(features.view(), &[0, 0, 1, 1], 2).unwrap();
        assert!((found * 512.0 - 1.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn nearly_aligned_class_means_keep_their_digits() {
        // Means (1, t), (-1, t), (0, -2t): squared lengths 2 along x and 6 t^2 along y. Samples at +-(1, t).
        let t = 1e-6;
        let means = array![[1.0, t], [-1.0, t], [0.0, -2.0 * t]];
        let spread = array![1.0, t];
        let features = ndarray::concatenate![ndarray::Axis(0), &means - &spread, &means + &spread];
        let found = nc1(features.view(), &[0, 1, 2, 0, 1, 2], 3).unwrap();
        assert!((found - (1.0 / 2.0 + 1.0 / 6.0)).abs() < 1e-9, "{found}");
    }

    #[test]
    fn features_that_equal_their_class_mean_give_zero() {
        let features = array![[0.1, 0.7], [0.1, 0.7], [0.1, 0.7], [0.3, 0.2], [0.3, 0.2], [0.3, 0.2]];
        assert!(nc1(features.view(), &[0, 0, 0, 1, 1, 1], 2).unwrap() < 1e-30);
    }
}
