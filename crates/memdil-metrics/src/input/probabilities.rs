//! Detection of probabilities passed as logits.

use ndarray::ArrayView2;

use crate::error::{MetricsError, Subject};
use crate::kernels::Real;

/// Allowed deviation of a row sum from 1. Rounding to bfloat16, the coarsest type in use, changes a
/// sum by at most half of this.
const TOLERANCE: f64 = 1.0 / 256.0;

/// Returns true if every row of the logits consists of probabilities: all values are in [0, 1] and
/// each row sums to 1 within 1/256, which allows for rounding to bfloat16.
///
/// The softmax of probabilities is nearly uniform, so calibration metrics computed from it would be
/// silently wrong. Unless there are very few rows, the logits of a network do not satisfy this
/// condition by chance. To convert probabilities `p` to logits, use `log(p)`, whose softmax is `p`.
///
/// # Shapes
/// `logits` (samples x classes) give one value; false for a matrix without rows or columns.
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
    // With real logits, usually only the first row is examined.
    !logits.is_empty()
        && logits.rows().into_iter().all(|row| {
            let values = row.iter().map(|&value| value.into());
            let in_range = values
                .clone()
                .all(|value: f64| (0.0..=1.0 + TOLERANCE).contains(&value));
            in_range && (values.sum::<f64>() - 1.0).abs() <= TOLERANCE
        })
}

/// Returns an error if the logits are probabilities.
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
