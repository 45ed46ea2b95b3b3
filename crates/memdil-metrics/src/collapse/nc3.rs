//! NC3: alignment of the classifier rows with the class means (self-duality).

use ndarray::{Array2, ArrayView2};

use super::frames::{check_classifier, distance_to_etf, frobenius, scaled_classifier};
use crate::error::{Counted, MetricsError, Subject, finite};
use crate::kernels::Real;
use crate::label::Label;
use crate::linalg::scaled_to_one;
use crate::passes::Moments;

/// Distance of the product of the classifier and the centred class means from a simplex ETF; 0
/// means full alignment.
///
/// $$\mathrm{NC3} = \left\Vert \frac{W M^T}{\Vert W M^T \Vert_F} - \frac{I - J / K}{\sqrt{K - 1}}
/// \right\Vert_F, \qquad M_k = \mu_k - \mu_G$$
///
/// where $J$ is the matrix of ones and $\mu_G$ is the mean of all samples. Source: Zhu et al. 2021.
///
/// # Shapes
/// `features` (samples x features), `labels` (samples) and `classifier` $W$ (classes x features)
/// give one number between 0 and 2, reduced over samples. The number of classes is that of the
/// classifier's rows.
///
/// # Errors
/// Fewer than two classes, no samples, mismatched shapes or lengths, a label without a classifier
/// row, a class without samples, non-finite input, class means that coincide, a classifier that is
/// zero or orthogonal to all means.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[4.0, 1.0], [4.0, 3.0], [-4.0, 1.0], [-4.0, 3.0]];
/// let labels = [0, 0, 1, 1];
/// let aligned = array![[1.0, 0.0], [-1.0, 0.0]];
/// assert!(memdil_metrics::nc3(features.view(), &labels, aligned.view())? < 1e-12);
/// let swapped = array![[-1.0, 0.0], [1.0, 0.0]];
/// assert!((memdil_metrics::nc3(features.view(), &labels, swapped.view())? - 2.0).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
#[doc(alias = "self_duality_error")]
#[doc(alias = "WH_relation_metric")]
#[doc(alias = "compute_W_H_relation")]
pub fn nc3<T: Real, L: Label, W: Real>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    classifier: ArrayView2<'_, W>,
) -> Result<f64, MetricsError> {
    check_classifier(classifier, features.ncols())?;
    Moments::of(features, labels, None, classifier.nrows())?.nc3(classifier)
}

/// Squared distance between the classifier and the centred class means, both scaled to norm 1; 0
/// means full alignment.
///
/// $$\left\Vert \frac{W}{\Vert W \Vert_F} - \frac{M}{\Vert M \Vert_F} \right\Vert_F^2, \qquad M_k =
/// \mu_k - \mu_G$$
///
/// Source: Papyan et al. 2020.
///
/// # Shapes
/// Arguments as for [`nc3`]; they give one number between 0 and 4.
///
/// # Errors
/// Fewer than two classes, no samples, mismatched shapes or lengths, a label without a classifier
/// row, a class without samples, non-finite input, class means that coincide, a zero classifier.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[4.0, 1.0], [-4.0, 1.0]];
/// let crossed = array![[0.0, 7.0], [0.0, -7.0]];
/// let found = memdil_metrics::nc3_dual(features.view(), &[0, 1], crossed.view())?;
/// assert!((found - 2.0).abs() < 1e-12); // unit vectors at right angles
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn nc3_dual<T: Real, L: Label, W: Real>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    classifier: ArrayView2<'_, W>,
) -> Result<f64, MetricsError> {
    check_classifier(classifier, features.ncols())?;
    Moments::of(features, labels, None, classifier.nrows())?.nc3_dual(classifier)
}

impl Moments {
    /// See [`nc3`].
    ///
    /// # Errors
    /// Errors of [`nc3`] that concern the classifier and the means.
    pub fn nc3<W: Real>(&self, classifier: ArrayView2<'_, W>) -> Result<f64, MetricsError> {
        let (rows, means) = self.scaled_pair(classifier)?;
        let product = rows.dot(&means.t());
        let rounding = f64::EPSILON * self.dim() as f64 * frobenius(&rows) * frobenius(&means);
        if frobenius(&product) <= rounding {
            let array = Subject::ClassifierTimesMeans;
            return Err(MetricsError::ZeroNorm { array });
        }
        finite("nc3", distance_to_etf(&product))
    }

    /// See [`nc3_dual`].
    ///
    /// # Errors
    /// Errors of [`nc3_dual`] that concern the classifier and the means.
    pub fn nc3_dual<W: Real>(&self, classifier: ArrayView2<'_, W>) -> Result<f64, MetricsError> {
        let (rows, means) = self.scaled_pair(classifier)?;
        let difference = &rows / frobenius(&rows) - &means / frobenius(&means);
        let squares = difference.iter().map(|value| value * value);
        finite("nc3_dual", squares.sum())
    }

    /// The classifier and the centred means, each scaled to a largest absolute entry of 1.
    fn scaled_pair<W: Real>(
        &self,
        classifier: ArrayView2<'_, W>,
    ) -> Result<(Array2<f64>, Array2<f64>), MetricsError> {
        check_classifier(classifier, self.dim())?;
        let (rows, classes) = (classifier.nrows(), self.classes());
        Counted::Rows.check(Subject::Classifier, rows, Subject::NumberOfClasses, classes)?;
        let rows = scaled_classifier(classifier)?;
        Ok((rows, scaled_to_one(self.centred()?, Subject::ClassMeans)?))
    }
}
