//! NC3: classifier rows line up with the class means (self-duality).

use ndarray::ArrayView2;

use super::nc2::{distance_to_etf, frobenius};
use crate::MetricsError;
use crate::class_means::Centres;
use crate::error::finite;
use crate::input::{Real, check_length, check_two_classes, to_f64};
use crate::linalg::scale_to_one;

/// Distance of the product of classifier and centred class means from a simplex ETF; 0 is full alignment.
///
/// $$\mathrm{NC3} = \left\Vert \frac{W M^T}{\Vert W M^T \Vert_F} - \frac{I - J / K}{\sqrt{K - 1}} \right\Vert_F,
///   \qquad M_k = \mu_k - \mu_G$$
///
/// $J$ is the matrix of ones, $\mu_G$ the sample mean. Source: Zhu et al. 2021.
///
/// # Shapes
/// `classifier` $W$ (classes x features), `features` (samples x features), `labels` (samples) to one number
/// between 0 and 2, reduced over samples. The classifier's rows set the number of classes.
///
/// # Errors
/// Fewer than two classes, no samples, shapes or lengths that differ, a label without a classifier row, a class
/// without samples, non-finite input, class means that coincide, a classifier that is zero or orthogonal to all means.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[4.0, 1.0], [4.0, 3.0], [-4.0, 1.0], [-4.0, 3.0]];
/// let labels = [0, 0, 1, 1];
/// let aligned = array![[1.0, 0.0], [-1.0, 0.0]];
/// assert!(memdil_metrics::nc3(aligned.view(), features.view(), &labels)? < 1e-12);
/// let swapped = array![[-1.0, 0.0], [1.0, 0.0]];
/// assert!((memdil_metrics::nc3(swapped.view(), features.view(), &labels)? - 2.0).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn nc3<T: Real>(
    classifier: ArrayView2<'_, T>,
    features: ArrayView2<'_, T>,
    labels: &[u32],
) -> Result<f64, MetricsError> {
    let classes = classifier.nrows();
    check_two_classes(classes)?;
    check_length("features", "columns", features.ncols(), "classifier", classifier.ncols())?;
    let mut rows = to_f64(classifier, "classifier")?;
    scale_to_one(&mut rows, "classifier")?;
    let mut means = Centres::of_classes(features, labels, classes)?.centred()?;
    scale_to_one(&mut means, "class means")?;

    let product = rows.dot(&means.t());
    let rounding = f64::EPSILON * classifier.ncols() as f64 * frobenius(&rows) * frobenius(&means);
    if frobenius(&product) <= rounding {
        return Err(MetricsError::ZeroNorm { array: "classifier times class means" });
    }
    finite("nc3", distance_to_etf(&product))
}
