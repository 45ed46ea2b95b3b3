//! Predictions: which class the logits choose, and how often that is right.

use ndarray::ArrayView2;

use crate::input::{Label, Real};
use crate::{MetricsError, Predictions};

/// Share of samples whose largest logit is at their label.
///
/// $$\frac{1}{n} \sum_i [\arg\max_k z_{ik} = y_i]$$
///
/// with ties decided for the lowest class, as in every function here that predicts.
///
/// # Shapes
/// `logits` (samples x classes), `labels` (samples) to one number in $[0, 1]$, the mean over
/// samples.
///
/// # Errors
/// No samples, lengths that differ, a label without a logit, non-finite logits.
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
    predictions(logits, labels, None)?.accuracy()
}

/// The rows whose largest logit is at their label, in order; what [`accuracy`] counts.
///
/// # Shapes
/// `logits` (samples x classes), `labels` (samples) to row numbers.
///
/// # Errors
/// Those of [`accuracy`].
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
    predictions(logits, labels, None)?.accuracy()?;
    let is_right = |row: &usize| {
        let values: Vec<f64> = logits.row(*row).iter().map(|&v| v.into()).collect();
        argmax(&values) == crate::input::class(labels[*row])
    };
    Ok((0..labels.len()).filter(is_right).collect())
}

/// All there is to know from logits in memory.
pub(crate) fn predictions<T: Real, L: Label>(
    logits: ArrayView2<'_, T>,
    labels: &[L],
    clean_labels: Option<&[L]>,
) -> Result<Predictions, MetricsError> {
    let mut predictions = Predictions::new(logits.ncols());
    predictions.add(logits, labels, clean_labels)?;
    Ok(predictions)
}

/// Index of the largest value, the lowest one where several are equal.
pub(crate) fn argmax(values: &[f64]) -> usize {
    argmax_and_lead(values).0
}

/// Index of the largest value, the lowest one where several are equal, and how much larger than the
/// next it is.
#[inline]
pub(crate) fn argmax_and_lead(values: &[f64]) -> (usize, f64) {
    let (mut best, mut largest, mut second) = (0, f64::NEG_INFINITY, f64::NEG_INFINITY);
    for (index, &value) in values.iter().enumerate() {
        second = second.max(value.min(largest));
        if value > largest {
            (best, largest) = (index, value);
        }
    }
    (best, largest - second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_lowest_index() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(argmax(&[0.0, -0.0, 0.0]), 0);
        assert_eq!(argmax_and_lead(&[-5.0, -4.0, -4.0, -3.0]), (3, 1.0));
        assert_eq!(argmax_and_lead(&[2.0, 5.0, 3.0]), (1, 2.0));
        assert_eq!(argmax_and_lead(&[7.0, 7.0]), (0, 0.0));
        assert_eq!(argmax_and_lead(&[7.0]), (0, f64::INFINITY));
    }
}
