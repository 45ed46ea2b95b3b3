//! NC4: the classifier decides as the nearest class mean does.

use ndarray::{ArrayView1, ArrayView2};

use crate::MetricsError;
use crate::class_means::Centres;
use crate::error::finite;
use crate::input::{Real, check_length, check_samples, for_each_row};
use crate::linalg::{dot, norm};

/// Length of the mean logit vector: 0 when the bias cancels what the mean feature contributes.
///
/// $$\Vert W \mu_G + b \Vert_2, \qquad \mu_G = \frac{1}{n} \sum_i h_i$$
///
/// Source: Zhu et al. 2021, where it is numbered NC4.
///
/// # Shapes
/// `classifier` $W$ (classes x features), `bias` $b$ (classes), `features` (samples x features) to one number, reduced
/// over samples.
///
/// # Errors
/// No samples, no classes, shapes that differ, non-finite input, values beyond the range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let features = array![[1.0, 0.0], [3.0, 2.0]]; // mean (2, 1)
/// let classifier = array![[1.0, 0.0], [0.0, 1.0]];
/// let bias = array![-2.0, 2.0]; // mean logits (0, 3)
/// let found = memdil_metrics::bias_collapse(classifier.view(), bias.view(), features.view())?;
/// assert!((found - 3.0).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn bias_collapse<T: Real>(
    classifier: ArrayView2<'_, T>,
    bias: ArrayView1<'_, T>,
    features: ArrayView2<'_, T>,
) -> Result<f64, MetricsError> {
    check_samples("classifier", classifier.nrows())?;
    check_samples("features", features.nrows())?;
    check_length("features", "columns", features.ncols(), "classifier", classifier.ncols())?;
    check_length("bias", "entries", bias.len(), "classifier", classifier.nrows())?;
    let bias: Vec<f64> = bias.iter().map(|&value| value.into()).collect();
    if let Some(row) = bias.iter().position(|value| !value.is_finite()) {
        return Err(MetricsError::NonFinite { array: "bias", row });
    }
    let mean = Centres::gather(features, 1, |_| Some(0))?.global_mean();
    let mut logits = bias;
    for_each_row(classifier, "classifier", |class, weights| logits[class] += dot(weights, &mean))?;
    finite("bias_collapse", norm(&logits))
}
