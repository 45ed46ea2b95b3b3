//! NC1: collapse of the features to their class means.

use ndarray::{Array2, ArrayView2};

use super::frames::{of_class_means, pairs};
use crate::error::{MetricsError, finite};
use crate::geometry::between_class_directions;
use crate::input::check_two_classes;
use crate::kernels::Real;
use crate::label::Label;
use crate::passes::{Moments, Wanted, in_memory};

/// Within-class variability relative to the scatter of the class means; 0 means full collapse.
///
/// $$\mathrm{NC1} = \frac{1}{K} \mathrm{tr}(\Sigma_W \Sigma_B^+), \quad
///   \Sigma_W = \frac{1}{n} \sum_i (h_i - \mu_{y_i})(h_i - \mu_{y_i})^T, \quad
///   \Sigma_B = \frac{1}{K} \sum_k (\mu_k - \mu_G)(\mu_k - \mu_G)^T$$
///
/// where $\mu_G$ is the mean of all samples. The pseudo-inverse discards eigenvalues up to
/// $\max(K, d) \cdot 2.2 \cdot 10^{-16}$ times the largest. Source: Papyan et al. 2020.
///
/// No features x features matrix is formed. The centred class means give at most $K - 1$ orthogonal
/// vectors $r_j$ with $\sum_j r_j r_j^T = K \Sigma_B$, and
/// $\mathrm{NC1} = \frac{1}{n} \sum_i \sum_j (r_j^T (h_i - \mu_{y_i}) / r_j^T r_j)^2$. For $n$
/// samples of $d$ features this takes two passes, $O(n d K)$ time and $O(d K)$ memory. The class
/// mean is subtracted first, so precision is kept even if the features are far from the origin.
/// Means are computed in `f64`; large `f32` arrays are projected in `f32`, all others in `f64`.
///
/// # Shapes
/// `features` (samples x features), `labels` (samples) and `classes` give one number, reduced over
/// samples. Classes may be unbalanced, features may be linearly dependent, and there may be fewer
/// features than classes.
///
/// # Errors
/// Fewer than two classes, no samples, mismatched lengths, a label outside `0..classes`, a class
/// without samples, non-finite features, class means that coincide, values outside the range of
/// `f64`.
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
#[doc(alias = "NC1")]
#[doc(alias = "covariance_pinv")]
#[doc(alias = "variability_pinv")]
#[doc(alias = "collapse_metric")]
pub fn nc1<T: Real, L: Label>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    classes: usize,
) -> Result<f64, MetricsError> {
    check_two_classes(classes)?;
    let moments = Moments::of(features, labels, None, classes)?;
    let wanted = Wanted::<T> {
        nc1: true,
        ..Wanted::default()
    };
    in_memory(&moments, (features, labels, None), wanted)?.nc1()
}

of_class_means! {
    /// Total within-class variance divided by the between-class variance; 0 means full collapse.
    ///
    /// $$\frac{\mathrm{tr}(\Sigma_W)}{\mathrm{tr}(\Sigma_B)}$$
    ///
    /// with the scatter matrices $\Sigma_W$ and $\Sigma_B$ of [`nc1`]. Unlike [`nc1`], this metric
    /// also counts spread in directions in which the class means do not differ.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` (samples) and `classes` give one number, reduced
    /// over samples.
    ///
    /// # Errors
    /// Same as [`nc1`].
    ///
    /// # Examples
    /// ```
    /// use ndarray::array;
    /// let features = array![[-3.0, 5.0], [-1.0, -5.0], [1.0, 5.0], [3.0, -5.0]];
    /// let found = memdil_metrics::nc1_ratio(features.view(), &[0, 0, 1, 1], 2)?;
    /// assert!((found - 6.5).abs() < 1e-12); // (1 + 25) / 4
    /// # Ok::<(), memdil_metrics::MetricsError>(())
    /// ```
    #[doc(alias = "covariance_ratio")]
    #[doc(alias = "variability_ratio")]
    fn nc1_ratio;

    /// Class-distance normalised variance: the spread of two classes divided by the squared
    /// distance of their means, averaged over pairs of classes.
    ///
    /// $$\frac{1}{K (K-1)} \sum_{i \ne j} \frac{v_i + v_j}{2 \Vert \mu_i - \mu_j \Vert^2}, \qquad
    ///   v_k = \mathrm{mean}_{i: y_i = k} \Vert h_i - \mu_k \Vert^2$$
    ///
    /// Source: Galanti et al. 2021.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` (samples) and `classes` give one number, reduced
    /// over samples and pairs of classes.
    ///
    /// # Errors
    /// Same as [`nc1`], and two classes whose means coincide.
    ///
    /// # Examples
    /// ```
    /// use ndarray::array;
    /// let features = array![[-3.0], [-1.0], [1.0], [3.0]];
    /// let found = memdil_metrics::cdnv(features.view(), &[0, 0, 1, 1], 2)?;
    /// assert!((found - 1.0 / 16.0).abs() < 1e-12); // variances 1, means 4 apart
    /// # Ok::<(), memdil_metrics::MetricsError>(())
    /// ```
    #[doc(alias = "variability_cdnv")]
    #[doc(alias = "class_dist_norm_vars")]
    fn cdnv;
}

impl Moments {
    /// See [`nc1_ratio`].
    ///
    /// # Errors
    /// Fewer than two classes, means that coincide, a value outside the range of `f64`.
    pub fn nc1_ratio(&self) -> Result<f64, MetricsError> {
        let squares: f64 = self.centred()?.iter().map(|value| value * value).sum();
        let between = squares / self.classes() as f64;
        finite("nc1_ratio", self.within() / between)
    }

    /// Vectors $v_j$ with $\mathrm{NC1} = \frac1n \sum_i \sum_j (v_j^T (h_i - \mu_{y_i}))^2$, to
    /// compute NC1 of features that are not in main memory, for example on a GPU.
    ///
    /// # Shapes
    /// (vectors x features), with at most $K - 1$ vectors.
    ///
    /// # Errors
    /// Fewer than two classes, class means that coincide.
    pub fn nc1_vectors(&self) -> Result<Array2<f64>, MetricsError> {
        let (directions, squares) = between_class_directions(&self.centred()?)?;
        Ok(Array2::from_shape_fn(
            (directions.len(), self.dim()),
            |(j, i)| directions[j][i] / squares[j].sqrt(),
        ))
    }

    /// See [`cdnv`].
    ///
    /// # Errors
    /// Fewer than two classes, two means that coincide, a value outside the range of `f64`.
    pub fn cdnv(&self) -> Result<f64, MetricsError> {
        self.centred()?;
        let variances = self.variances();
        let mut sum = 0.0;
        for (i, j, square) in self.distinct_pairs()? {
            sum += (variances[i] + variances[j]) / (2.0 * square);
        }
        finite("cdnv", sum / pairs(self.classes()))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn unbalanced_classes_use_the_sample_mean_and_unweighted_scatter() {
        // Means 0 and 4 from 3 and 1 samples: mu_G = 1, Sigma_B = (1 + 9) / 2 = 5, Sigma_W = 2 / 4.
        let features = array![[-1.0], [0.0], [1.0], [4.0]];
        let found = nc1(features.view(), &[0, 0, 0, 1], 2).unwrap();
        assert!((found - 0.05).abs() < 1e-15);
    }

    #[test]
    fn collapsed_features_far_from_the_origin_keep_their_precision() {
        // +-1 around 2^18 with a spread of 1/16 is exact in f32, but squares of the features would
        // lose the spread completely.
        let (offset, spread) = (262_144.0_f32, 1.0 / 16.0);
        let features = array![
            [-1.0 - spread],
            [-1.0 + spread],
            [1.0 - spread],
            [1.0 + spread]
        ] + offset;
        let found = nc1(features.view(), &[0, 0, 1, 1], 2).unwrap();
        assert!((found * 512.0 - 1.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn nearly_aligned_class_means_keep_their_precision() {
        // Means (1, t), (-1, t), (0, -2t): squared lengths 2 along x and 6 t^2 along y. Samples at
        // +-(1, t).
        let t = 1e-6;
        let means = array![[1.0, t], [-1.0, t], [0.0, -2.0 * t]];
        let spread = array![1.0, t];
        let features = ndarray::concatenate![ndarray::Axis(0), &means - &spread, &means + &spread];
        let found = nc1(features.view(), &[0, 1, 2, 0, 1, 2], 3).unwrap();
        assert!((found - (1.0 / 2.0 + 1.0 / 6.0)).abs() < 1e-9, "{found}");
    }

    #[test]
    fn features_that_equal_their_class_mean_give_zero() {
        let features = array![
            [0.1, 0.7],
            [0.1, 0.7],
            [0.1, 0.7],
            [0.3, 0.2],
            [0.3, 0.2],
            [0.3, 0.2]
        ];
        assert!(nc1(features.view(), &[0, 0, 0, 1, 1, 1], 2).unwrap() < 1e-30);
    }
}
