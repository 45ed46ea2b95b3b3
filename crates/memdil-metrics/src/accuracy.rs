//! Predictions: which class the logits choose, and how often that is right.

use ndarray::ArrayView2;

use crate::MetricsError;
use crate::input::{Real, check_labels, check_samples, for_each_row};

/// Share of samples whose largest logit is at their label.
///
/// $$\frac{1}{n} \sum_i [\arg\max_k z_{ik} = y_i]$$
///
/// with ties decided for the lowest class, as in every function here that predicts.
///
/// # Shapes
/// `logits` (samples x classes), `labels` (samples) to one number in $[0, 1]$, the mean over samples.
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
pub fn accuracy<T: Real>(logits: ArrayView2<'_, T>, labels: &[u32]) -> Result<f64, MetricsError> {
    check_samples("logits", logits.nrows())?;
    check_labels("labels", labels, "logits", logits.nrows(), logits.ncols())?;
    let mut right = 0_usize;
    for_each_row(logits, "logits", |row, values| right += usize::from(argmax(values) == labels[row] as usize))?;
    Ok(right as f64 / logits.nrows() as f64)
}

/// Index of the largest value, the lowest one where several are equal.
pub(crate) fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_lowest_index() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(argmax(&[0.0, -0.0, 0.0]), 0);
        assert_eq!(argmax(&[-5.0, -4.0, -4.0, -3.0]), 3);
    }
}
