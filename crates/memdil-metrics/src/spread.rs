//! Dilation: the spread of unseen samples around their class means.

use ndarray::ArrayView2;

use crate::collapse::nc1;
use crate::error::{MetricsError, Subject, finite};
use crate::geometry::mean_pair_distance;
use crate::input::{check_two_classes, to_f64};
use crate::kernels::Real;
use crate::label::Label;
use crate::linalg::max_abs;
use crate::passes::Moments;

/// Within-class variability of unseen samples: [`nc1`](crate::nc1) on test features with test
/// labels.
///
/// $$\mathrm{dilation} = \frac{1}{K} \mathrm{tr}(\Sigma_W \Sigma_B^+)$$
///
/// where the class means and both scatter matrices are those of the test set. Source: Nguyen et
/// al. 2023.
///
/// # Shapes
/// `test_features` (samples x features), `test_labels` (samples) and `classes` give one number,
/// reduced over samples.
///
/// # Errors
/// Same as [`nc1`](crate::nc1); the messages name the arguments `features` and `labels`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let test = array![[-3.0], [-1.0], [1.0], [3.0]];
/// let found = memdil_metrics::dilation(test.view(), &[0, 0, 1, 1], 2)?;
/// assert!((found - 0.125).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn dilation<T: Real, L: Label>(
    test_features: ArrayView2<'_, T>,
    test_labels: &[L],
    classes: usize,
) -> Result<f64, MetricsError> {
    nc1(test_features, test_labels, classes)
}

/// Relative dilation: the radius of the classes divided by the distance between them.
///
/// $$\rho = \frac{r}{s}, \qquad r = \sqrt{\frac{1}{n} \sum_i \Vert h_i - \mu_{y_i} \Vert^2}, \qquad
///   s = \frac{2}{K (K - 1)} \sum_{i < j} \Vert \mu_i - \mu_j \Vert$$
///
/// on test features with test labels: [`radius`] divided by the [`separation`] of the test class
/// means. Source: the memorization-dilation model, Nguyen et al. 2023.
///
/// # Shapes
/// `test_features` (samples x features), `test_labels` (samples) and `classes` give one number,
/// reduced over samples.
///
/// # Errors
/// Fewer than two classes, no samples, mismatched lengths, a label outside `0..classes`, a class
/// without samples, non-finite features, class means that coincide, values outside the range of
/// `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let test = array![[0.0, 1.0], [0.0, -1.0], [4.0, 1.0], [4.0, -1.0]];
/// let rho = memdil_metrics::rho(test.view(), &[0, 0, 1, 1], 2)?;
/// assert!((rho - 0.25).abs() < 1e-12); // radius 1, means 4 apart
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn rho<T: Real, L: Label>(
    test_features: ArrayView2<'_, T>,
    test_labels: &[L],
    classes: usize,
) -> Result<f64, MetricsError> {
    check_two_classes(classes)?;
    Moments::of(test_features, test_labels, None, classes)?.rho()
}

/// Root mean square distance of the samples from the mean of their class.
///
/// $$r = \sqrt{\frac{1}{n} \sum_i \Vert h_i - \mu_{y_i} \Vert^2}$$
///
/// Classes may be empty. Source: the memorization-dilation model, Nguyen et al. 2023.
///
/// # Shapes
/// `features` (samples x features), `labels` (samples) and `classes` give one number, reduced over
/// samples.
///
/// # Errors
/// Same as [`class_means`](crate::class_means), except that classes may be empty.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[0.0, 3.0], [0.0, -3.0], [8.0, 1.0], [8.0, -1.0]];
/// let radius = memdil_metrics::radius(features.view(), &[0, 0, 1, 1], 2)?;
/// assert!((radius - 5.0_f64.sqrt()).abs() < 1e-12); // (9 + 9 + 1 + 1) / 4
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn radius<T: Real, L: Label>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    classes: usize,
) -> Result<f64, MetricsError> {
    Moments::with_empty_classes(features, labels, None, classes)?.radius()
}

/// Mean distance between class means over all pairs of classes.
///
/// $$\frac{2}{K (K - 1)} \sum_{i < j} \Vert \mu_i - \mu_j \Vert$$
///
/// `means` are usually those of [`class_means`](crate::class_means), or those of
/// [`uncorrupted_class_means`](crate::uncorrupted_class_means) to exclude samples with wrong
/// labels. Source: the memorization-dilation model, Nguyen et al. 2023.
///
/// # Shapes
/// `means` (classes x features) give one number, reduced over pairs of classes.
///
/// # Errors
/// Fewer than two classes, non-finite means, means that coincide, values outside the range of
/// `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let means = array![[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]];
/// assert!((memdil_metrics::separation(means.view())? - 4.0).abs() < 1e-12); // (5 + 3 + 4) / 3
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn separation<T: Real>(means: ArrayView2<'_, T>) -> Result<f64, MetricsError> {
    check_two_classes(means.nrows())?;
    let means = to_f64(means, Subject::Means)?;
    let distance = finite("separation", mean_pair_distance(&means))?;
    if distance <= 4.0 * f64::EPSILON * max_abs(&means) {
        return Err(MetricsError::ZeroScatter);
    }
    Ok(distance)
}

/// Relative dilation of two classes, computed from the dilation.
///
/// $$\rho_{\mathrm{nc1}} = \sqrt{\mathrm{dilation} \cdot d / 2}$$
///
/// For two balanced classes with isotropic spread in $d$ features it equals [`rho`]. For other
/// spread the values differ, because only spread along the line between the two means is counted.
/// Source: the two-class memorization-dilation model, Nguyen et al. 2023.
///
/// # Shapes
/// `dilation` (the result of [`dilation`](crate::dilation)) and the number of features $d$ give one
/// number.
///
/// # Errors
/// A dilation that is negative or not finite, no features, values outside the range of `f64`.
///
/// # Examples
/// ```
/// assert_eq!(memdil_metrics::rho_nc1(0.0625, 2)?, 0.25);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn rho_nc1(dilation: f64, features: usize) -> Result<f64, MetricsError> {
    if !(dilation.is_finite() && dilation >= 0.0) {
        return Err(MetricsError::OutOfRange {
            name: "dilation",
            value: dilation,
            allowed: "[0, infinity)",
        });
    }
    if features == 0 {
        return Err(MetricsError::OutOfRange {
            name: "features",
            value: 0.0,
            allowed: "[1, infinity)",
        });
    }
    finite("rho_nc1", (dilation * features as f64 / 2.0).sqrt())
}

impl Moments {
    /// See [`radius`](crate::radius).
    ///
    /// # Errors
    /// A value outside the range of `f64`.
    pub fn radius(&self) -> Result<f64, MetricsError> {
        finite("radius", self.within().sqrt())
    }

    /// See [`separation`](crate::separation).
    ///
    /// # Errors
    /// Fewer than two classes, means that coincide.
    pub fn separation(&self) -> Result<f64, MetricsError> {
        finite("separation", mean_pair_distance(&self.centred()?))
    }

    /// See [`rho`](crate::rho).
    ///
    /// # Errors
    /// Fewer than two classes, means that coincide, a value outside the range of `f64`.
    pub fn rho(&self) -> Result<f64, MetricsError> {
        finite("rho", self.radius()? / self.separation()?)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn rho_and_rho_nc1_agree_for_isotropic_spread() {
        // The means are 8 apart and each class is a cross with arms of length 1: radius 1, variance
        // 1/2 in each of the two features.
        let cross = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
        let both: Vec<[f64; 2]> = cross
            .iter()
            .copied()
            .chain(cross.iter().map(|&[x, y]| [x + 8.0, y]))
            .collect();
        let features = Array2::from(both);
        let labels = [0, 0, 0, 0, 1, 1, 1, 1];
        let direct = rho(features.view(), &labels, 2).unwrap();
        let via_nc1 = rho_nc1(dilation(features.view(), &labels, 2).unwrap(), 2).unwrap();
        assert!((direct - 0.125).abs() < 1e-15 && (via_nc1 - 0.125).abs() < 1e-15);
    }

    #[test]
    fn rho_is_radius_over_separation() {
        let features = array![
            [0.0, 1.0],
            [1.0, -1.0],
            [4.0, 2.0],
            [5.0, 7.0],
            [9.0, -3.0],
            [2.0, 2.0]
        ];
        let labels = [0, 1, 2, 2, 1, 0];
        let means = crate::class_means(features.view(), &labels, 3)
            .unwrap()
            .means;
        let parts =
            radius(features.view(), &labels, 3).unwrap() / separation(means.view()).unwrap();
        assert!((rho(features.view(), &labels, 3).unwrap() / parts - 1.0).abs() < 1e-14);
    }

    #[test]
    fn one_class_has_a_radius_but_no_separation() {
        let features = array![[0.0], [2.0]];
        assert_eq!(radius(features.view(), &[0, 0], 1), Ok(1.0));
        assert_eq!(
            rho(features.view(), &[0, 0], 1),
            Err(MetricsError::TooFewClasses { classes: 1 })
        );
    }
}
