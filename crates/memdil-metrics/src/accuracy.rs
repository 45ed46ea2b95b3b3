//! Accuracy of predictions from logits.

use ndarray::ArrayView2;

use crate::error::MetricsError;
use crate::kernels::Real;
use crate::label::{Label, class};
use crate::passes::{Predictions, argmax};

/// Share of samples whose largest logit is that of their label.
///
/// $$\frac{1}{n} \sum_i [\arg\max_k z_{ik} = y_i]$$
///
/// Ties are resolved in favour of the lowest class, as in all functions of this crate.
///
/// # Shapes
/// `logits` (samples x classes) and `labels` (samples) give one number in $[0, 1]$, the mean over
/// samples.
///
/// # Errors
/// No samples, mismatched lengths, a label without a logit, non-finite logits.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let logits = array![[2.0, 1.0], [0.0, 3.0], [1.0, 1.0], [0.0, 9.0]];
/// assert_eq!(memdil_metrics::accuracy(logits.view(), &[0, 1, 0, 0])?, 0.75);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn accuracy<T: Real, L: Label>(
    logits: ArrayView2<'_, T>,
    labels: &[L],
) -> Result<f64, MetricsError> {
    Predictions::of(logits, labels, None, logits.ncols())?.accuracy()
}

/// The rows whose largest logit is that of their label, in ascending order: the samples that
/// [`accuracy`] counts.
///
/// # Shapes
/// `logits` (samples x classes) and `labels` (samples) give row indices.
///
/// # Errors
/// Same as [`accuracy`].
///
/// # Examples
/// ```
/// use ndarray::array;
/// let logits = array![[2.0, 1.0], [0.0, 3.0], [1.0, 1.0], [0.0, 9.0]];
/// assert_eq!(memdil_metrics::correct(logits.view(), &[0, 1, 0, 0])?, [0, 1, 2]);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn correct<T: Real, L: Label>(
    logits: ArrayView2<'_, T>,
    labels: &[L],
) -> Result<Vec<usize>, MetricsError> {
    Predictions::of(logits, labels, None, logits.ncols())?.accuracy()?;
    let is_right = |row: &usize| {
        let values: Vec<f64> = logits.row(*row).iter().map(|&v| v.into()).collect();
        argmax(&values) == class(labels[*row])
    };
    Ok((0..labels.len()).filter(is_right).collect())
}
