//! NC2: convergence of class means and classifier rows to a simplex equiangular tight frame (ETF).

use ndarray::ArrayView2;

use super::frames::{
    distance_to_etf, distance_to_frame, of_class_means, pairs, scaled_classifier, spread_of_lengths,
};
use crate::error::{MetricsError, Subject, finite};
use crate::input::check_two_classes;
use crate::kernels::{Real, squared_distance};
use crate::linalg::{dot, scaled_to_one};
use crate::passes::Moments;

/// Distance of the classifier's Gram matrix from that of a simplex ETF; 0 means an exact ETF.
///
/// $$\mathrm{NC2} = \left\Vert \frac{W W^T}{\Vert W W^T \Vert_F} - \frac{I - J / K}{\sqrt{K - 1}}
/// \right\Vert_F$$
///
/// where $J$ is the matrix of ones. The value is invariant under scaling and rotation of $W$.
/// Source: Zhu et al. 2021.
///
/// # Shapes
/// `classifier` $W$ (classes x features) gives one number between 0 and 2.
///
/// # Errors
/// Fewer than two classes, a non-finite entry, a zero classifier.
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
#[doc(alias = "ETF_metric")]
#[doc(alias = "compute_ETF")]
pub fn nc2_etf<T: Real>(classifier: ArrayView2<'_, T>) -> Result<f64, MetricsError> {
    check_two_classes(classifier.nrows())?;
    let rows = scaled_classifier(classifier)?;
    finite("nc2_etf", distance_to_etf(&rows.dot(&rows.t())))
}

/// Coefficient of variation of the lengths of the classifier's rows; 0 if they are equal.
///
/// $$\frac{\mathrm{std}_k \Vert w_k \Vert}{\mathrm{mean}_k \Vert w_k \Vert}$$
///
/// with the population standard deviation. Source: Papyan et al. 2020.
///
/// # Shapes
/// `classifier` $W$ (classes x features) gives one number.
///
/// # Errors
/// Fewer than two classes, a non-finite entry, a zero classifier.
///
/// # Examples
/// ```
/// let classifier = ndarray::array![[0.0, 1.0], [3.0, 0.0]];
/// assert!((memdil_metrics::nc2_equinorm_w(classifier.view())? - 0.5).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn nc2_equinorm_w<T: Real>(classifier: ArrayView2<'_, T>) -> Result<f64, MetricsError> {
    check_two_classes(classifier.nrows())?;
    let rows = scaled_classifier(classifier)?;
    finite("nc2_equinorm_w", spread_of_lengths(&rows))
}

of_class_means! {
    /// Distance of the Gram matrix of the centred class means from that of a simplex ETF; 0 means
    /// an exact ETF.
    ///
    /// $$\left\Vert \frac{M M^T}{\Vert M M^T \Vert_F} - \frac{I - J / K}{\sqrt{K - 1}}
    ///   \right\Vert_F, \qquad M_k = \mu_k - \mu_G$$
    ///
    /// where $J$ is the matrix of ones. [`nc2_etf`] is the same metric for the classifier. Source:
    /// Zhu et al. 2021, applied to the class means of Papyan et al. 2020.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` (samples) and `classes` give one number, reduced
    /// over samples.
    ///
    /// # Errors
    /// Fewer than two classes, no samples, mismatched lengths, a label outside `0..classes`, a
    /// class without samples, non-finite features, class means that coincide.
    ///
    /// # Examples
    /// ```
    /// use ndarray::array;
    /// let features = array![[3.0, 1.0], [5.0, 1.0], [-5.0, 1.0], [-3.0, 1.0]];
    /// assert!(memdil_metrics::nc2_etf_means(features.view(), &[0, 0, 1, 1], 2)? < 1e-12);
    /// # Ok::<(), memdil_metrics::MetricsError>(())
    /// ```
    #[doc(alias = "simplex_etf_error")]
    fn nc2_etf_means;

    /// Coefficient of variation of the lengths of the centred class means; 0 if they are equal.
    ///
    /// $$\frac{\mathrm{std}_k \Vert \mu_k - \mu_G \Vert}
    ///   {\mathrm{mean}_k \Vert \mu_k - \mu_G \Vert}$$
    ///
    /// with the population standard deviation. Source: Papyan et al. 2020.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` (samples) and `classes` give one number, reduced
    /// over samples.
    ///
    /// # Errors
    /// Fewer than two classes, no samples, mismatched lengths, a label outside `0..classes`, a
    /// class without samples, non-finite features, class means that coincide.
    ///
    /// # Examples
    /// ```
    /// use ndarray::array;
    /// // Means 0 and 4, of three samples and one: distances 1 and 3 from the global mean.
    /// let features = array![[-1.0], [0.0], [1.0], [4.0]];
    /// let found = memdil_metrics::nc2_equinorm(features.view(), &[0, 0, 0, 1], 2)?;
    /// assert!((found - 0.5).abs() < 1e-12);
    /// # Ok::<(), memdil_metrics::MetricsError>(())
    /// ```
    #[doc(alias = "mean_norms")]
    fn nc2_equinorm;

    /// Mean deviation of the cosines between centred class means from that of a simplex ETF; 0 if
    /// all are equal to it.
    ///
    /// $$\mathrm{mean}_{i \ne j}
    ///   \left| \cos(\mu_i - \mu_G, \mu_j - \mu_G) + \frac{1}{K - 1} \right|$$
    ///
    /// Source: Papyan et al. 2020.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` (samples) and `classes` give one number, reduced
    /// over samples.
    ///
    /// # Errors
    /// Fewer than two classes, no samples, mismatched lengths, a label outside `0..classes`, a
    /// class without samples, non-finite features, class means that coincide, a class whose mean is
    /// the global mean.
    ///
    /// # Examples
    /// ```
    /// use ndarray::array;
    /// // The target is -1/2. One pair of means has cosine 0, the other two have -1 / sqrt 2.
    /// let features = array![[2.0, 0.0], [0.0, 2.0], [-2.0, -2.0]];
    /// let found = memdil_metrics::nc2_equiangle(features.view(), &[0, 1, 2], 3)?;
    /// assert!((found - (0.5 + 2.0 * (0.5_f64.sqrt() - 0.5)) / 3.0).abs() < 1e-12);
    /// # Ok::<(), memdil_metrics::MetricsError>(())
    /// ```
    #[doc(alias = "interference_grid")]
    fn nc2_equiangle;

    /// Distance of the class means from an orthogonal frame; 0 if they are orthogonal and of equal
    /// length.
    ///
    /// $$\left\Vert \frac{C}{\Vert C \Vert_F} - \frac{I}{\sqrt K} \right\Vert_F, \qquad C_{ij} =
    /// \mu_i^T \mu_j$$
    ///
    /// where the means are not centred. This is NC2+, the geometry of non-negative features (after
    /// a ReLU) in the layer-peeled model of Nguyen et al. 2023.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` (samples) and `classes` give one number, reduced
    /// over samples.
    ///
    /// # Errors
    /// Fewer than two classes, no samples, mismatched lengths, a label outside `0..classes`, a
    /// class without samples, non-finite features, class means that coincide, zero means.
    ///
    /// # Examples
    /// ```
    /// use ndarray::array;
    /// let features = array![[2.0, 0.0], [4.0, 0.0], [0.0, 3.0]];
    /// assert!(memdil_metrics::nc2_orthogonal(features.view(), &[0, 0, 1], 2)? < 1e-12);
    /// # Ok::<(), memdil_metrics::MetricsError>(())
    /// ```
    fn nc2_orthogonal;

    /// Hyperspherical energy of the directions of the centred class means; lower values mean a more
    /// even distribution.
    ///
    /// $$\mathrm{mean}_{i \ne j} \log \frac{1}{\Vert \hat m_i - \hat m_j \Vert}, \qquad \hat m =
    /// \frac{\mu - \mu_G}{\Vert \mu - \mu_G \Vert}$$
    ///
    /// The simplex ETF minimises the energy. Source: Liu et al. 2023.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` (samples) and `classes` give one number, reduced
    /// over samples.
    ///
    /// # Errors
    /// Fewer than two classes, no samples, mismatched lengths, a label outside `0..classes`, a
    /// class without samples, non-finite features, class means that coincide, a class whose mean is
    /// the global mean, two class means in the same direction from the global mean.
    ///
    /// # Examples
    /// ```
    /// use ndarray::array;
    /// let features = array![[2.0, 0.0], [-4.0, 0.0]];
    /// let found = memdil_metrics::hyperspherical_energy(features.view(), &[0, 1], 2)?;
    /// assert!((found + 2.0_f64.ln()).abs() < 1e-12); // opposite points are 2 apart
    /// # Ok::<(), memdil_metrics::MetricsError>(())
    /// ```
    #[doc(alias = "kernel_stats")]
    #[doc(alias = "log_kernel")]
    fn hyperspherical_energy;
}

impl Moments {
    /// See [`nc2_etf_means`].
    ///
    /// # Errors
    /// Fewer than two classes, means that coincide.
    pub fn nc2_etf_means(&self) -> Result<f64, MetricsError> {
        let means = scaled_to_one(self.centred()?, Subject::ClassMeans)?;
        finite("nc2_etf_means", distance_to_etf(&means.dot(&means.t())))
    }

    /// See [`nc2_equinorm`].
    ///
    /// # Errors
    /// Fewer than two classes, means that coincide.
    pub fn nc2_equinorm(&self) -> Result<f64, MetricsError> {
        let means = scaled_to_one(self.centred()?, Subject::ClassMeans)?;
        finite("nc2_equinorm", spread_of_lengths(&means))
    }

    /// See [`nc2_equiangle`].
    ///
    /// # Errors
    /// Fewer than two classes, means that coincide, a class whose mean is the global mean.
    pub fn nc2_equiangle(&self) -> Result<f64, MetricsError> {
        let directions = self.directions()?;
        let target = -1.0 / (directions.len() as f64 - 1.0);
        let mut sum = 0.0;
        for (i, a) in directions.iter().enumerate() {
            let gaps = directions[..i].iter().map(|b| (dot(a, b) - target).abs());
            sum += gaps.sum::<f64>();
        }
        finite("nc2_equiangle", sum / pairs(directions.len()))
    }

    /// See [`nc2_orthogonal`].
    ///
    /// # Errors
    /// Fewer than two classes, zero means.
    pub fn nc2_orthogonal(&self) -> Result<f64, MetricsError> {
        check_two_classes(self.classes())?;
        let means = scaled_to_one(self.means().means.clone(), Subject::ClassMeans)?;
        let on = 1.0 / (self.classes() as f64).sqrt();
        let distance = distance_to_frame(&means.dot(&means.t()), on, 0.0);
        finite("nc2_orthogonal", distance)
    }

    /// See [`hyperspherical_energy`].
    ///
    /// # Errors
    /// Fewer than two classes, means that coincide, a class whose mean is the global mean, two
    /// class means in the same direction from the global mean.
    pub fn hyperspherical_energy(&self) -> Result<f64, MetricsError> {
        let directions = self.directions()?;
        let mut sum = 0.0;
        for (i, a) in directions.iter().enumerate() {
            for (j, b) in directions[..i].iter().enumerate() {
                let distance = squared_distance(a, b).sqrt();
                if distance <= 4.0 * f64::EPSILON {
                    let (first, second) = (j, i);
                    return Err(MetricsError::SameDirection { first, second });
                }
                sum -= distance.ln();
            }
        }
        finite("hyperspherical_energy", sum / pairs(directions.len()))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn etf_has_distance_zero_at_any_scale() {
        for scale in [1e-200, 1.0, 1e200] {
            let etf = array![[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0], [-1.0, -1.0, 2.0]] * scale;
            assert!(nc2_etf(etf.view()).unwrap() < 1e-15);
        }
    }
}
