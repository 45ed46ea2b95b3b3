//! Probabilities in the place of logits.

use ndarray::ArrayView2;

use crate::error::{MetricsError, Subject};
use crate::kernels::Real;

/// How far a row of probabilities may sum from 1: rounding to bfloat16, the coarsest type in use,
/// moves a sum by half of this at most.
const TOLERANCE: f64 = 1.0 / 256.0;

/// True when every row of the logits is a list of probabilities: all values lie in [0, 1] and each
/// row sums to 1 to within 1/256, the rounding of bfloat16.
///
/// The softmax of probabilities is nearly uniform, so that calibration measured on it is wrong
/// without a sign of it. Logits of a network fulfil the rule in every row by chance only where
/// there are hardly any rows. Probabilities become logits by `log(p)`: their softmax is `p`.
///
/// # Shapes
/// `logits` (samples x classes) to one answer; false for a matrix without rows or columns.
///
/// # Examples
/// ```
/// use memdil_metrics::looks_like_probabilities;
/// use ndarray::array;
///
/// assert!(looks_like_probabilities(array![[0.25, 0.75], [1.0, 0.0]].view()));
/// assert!(!looks_like_probabilities(array![[0.25, 0.75], [1.0, 0.5]].view()));
/// ```
pub fn looks_like_probabilities<T: Real>(logits: ArrayView2<'_, T>) -> bool {
    // The first row of real logits ends the search.
    !logits.is_empty()
        && logits.rows().into_iter().all(|row| {
            let values = row.iter().map(|&value| value.into());
            let in_range = values
                .clone()
                .all(|value: f64| (0.0..=1.0 + TOLERANCE).contains(&value));
            in_range && (values.sum::<f64>() - 1.0).abs() <= TOLERANCE
        })
}

/// Refuses probabilities in the place of logits.
pub(crate) fn check_logits<T: Real>(
    array: Subject,
    logits: ArrayView2<'_, T>,
) -> Result<(), MetricsError> {
    if looks_like_probabilities(logits) {
        Err(MetricsError::Probabilities { array })
    } else {
        Ok(())
    }
}
