//! Calibration: how well the confidence of a prediction matches its probability of being correct.

use ndarray::ArrayView2;

use crate::error::MetricsError;
use crate::kernels::Real;
use crate::label::Label;
use crate::passes::Predictions;

/// Expected calibration error: the gap between confidence and accuracy, averaged over bins of
/// confidence.
///
/// $$\mathrm{ECE} = \sum_b \frac{|b|}{n} \left| \mathrm{acc}(b) - \mathrm{conf}(b) \right|$$
///
/// over 15 bins $(j/15, (j+1)/15]$ of the largest softmax probability; a confidence of exactly 1
/// falls in the last bin. Ties between predictions are resolved in favour of the lowest class.
/// Source: Guo et al. 2017.
///
/// # Shapes
/// `logits` (samples x classes) and `labels` (samples) give one number in $[0, 1]$, reduced over
/// samples.
///
/// # Errors
/// No samples, mismatched lengths, a label without a logit, non-finite logits.
///
/// # Examples
/// ```
/// use ndarray::array;
/// // Two predictions with confidence 3/4, one of them correct: |1/2 - 3/4|.
/// let gap = 3.0_f64.ln();
/// let found = memdil_metrics::ece(array![[gap, 0.0], [gap, 0.0]].view(), &[0, 1])?;
/// assert!((found - 0.25).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
#[doc(alias = "calibration_error")]
#[doc(alias = "MulticlassCalibrationError")]
pub fn ece<T: Real, L: Label>(
    logits: ArrayView2<'_, T>,
    labels: &[L],
) -> Result<f64, MetricsError> {
    Predictions::of(logits, labels, None, logits.ncols())?.ece()
}

/// Expected calibration error over bins with equal numbers of samples.
///
/// $$\sum_b \frac{|b|}{n} \left| \mathrm{acc}(b) - \mathrm{conf}(b) \right|$$
///
/// The samples are sorted by confidence (samples of equal confidence keep their order) and divided
/// into 15 bins whose sizes differ by at most one, larger bins first. Late in training, most
/// confidences fall into the last bins of [`ece`]; the bins of this metric adapt to them. Source:
/// Nguyen and O'Connor 2015.
///
/// # Shapes
/// `logits` (samples x classes) and `labels` (samples) give one number in $[0, 1]$, reduced over
/// samples.
///
/// # Errors
/// No samples, mismatched lengths, a label without a logit, non-finite logits.
///
/// # Examples
/// ```
/// use ndarray::array;
/// // Fewer samples than bins: each sample has its own bin. Confidence 3/4, correct and wrong.
/// let gap = 3.0_f64.ln();
/// let found = memdil_metrics::adaptive_ece(array![[gap, 0.0], [gap, 0.0]].view(), &[0, 1])?;
/// assert!((found - (0.25 + 0.75) / 2.0).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn adaptive_ece<T: Real, L: Label>(
    logits: ArrayView2<'_, T>,
    labels: &[L],
) -> Result<f64, MetricsError> {
    Predictions::of(logits, labels, None, logits.ncols())?.adaptive_ece()
}

/// Brier score: squared distance between the softmax probabilities and the one-hot label.
///
/// $$\frac{1}{n} \sum_i \sum_k (p_{ik} - [k = y_i])^2$$
///
/// This is a sum over classes and a mean over samples. Source: Brier 1950.
///
/// # Shapes
/// `logits` (samples x classes) and `labels` (samples) give one number in $[0, 2]$.
///
/// # Errors
/// No samples, mismatched lengths, a label without a logit, non-finite logits.
///
/// # Examples
/// ```
/// let logits = ndarray::array![[3.0_f64.ln(), 0.0]];
/// let found = memdil_metrics::brier(logits.view(), &[0])?;
/// assert!((found - 0.125).abs() < 1e-12); // (1 - 3/4)^2 + (1/4)^2
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn brier<T: Real, L: Label>(
    logits: ArrayView2<'_, T>,
    labels: &[L],
) -> Result<f64, MetricsError> {
    Predictions::of(logits, labels, None, logits.ncols())?.brier()
}

/// Mean negative log-likelihood of the labels under the softmax of the logits (cross-entropy, in
/// nats).
///
/// $$-\frac{1}{n} \sum_i \log p_{i y_i}$$
///
/// # Shapes
/// `logits` (samples x classes) and `labels` (samples) give one non-negative number, the mean over
/// samples.
///
/// # Errors
/// No samples, mismatched lengths, a label without a logit, non-finite logits, a sum outside the
/// range of `f64`.
///
/// # Examples
/// ```
/// let found = memdil_metrics::nll(ndarray::array![[7.0, 7.0]].view(), &[1])?;
/// assert!((found - 2.0_f64.ln()).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn nll<T: Real, L: Label>(
    logits: ArrayView2<'_, T>,
    labels: &[L],
) -> Result<f64, MetricsError> {
    Predictions::of(logits, labels, None, logits.ncols())?.nll()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn gaps_of_different_bins_do_not_cancel() {
        // Confidence 3/4 and wrong, 9/10 and correct: (3/4 + 1/10) / 2.
        let logits = array![[3.0_f64.ln(), 0.0], [9.0_f64.ln(), 0.0]];
        assert!((ece(logits.view(), &[1, 0]).unwrap() - 0.425).abs() < 1e-15);
    }

    #[test]
    fn gaps_of_the_same_bin_cancel() {
        // Confidence 3/5, of which three are correct and one is wrong: |3/4 - 3/5|.
        let gap = 1.5_f64.ln();
        let logits = array![[gap, 0.0], [gap, 0.0], [gap, 0.0], [gap, 0.0]];
        assert!((ece(logits.view(), &[0, 0, 1, 0]).unwrap() - 0.15).abs() < 1e-15);
    }

    #[test]
    fn extreme_logits_give_finite_values() {
        let logits = array![[1e308, -1e308, 0.0], [-1e308, 1e308, 1e308]];
        // Confidence 1 and correct, confidence 1/2 and wrong (the tie goes to class 1).
        assert_eq!(ece(logits.view(), &[0, 2]), Ok(0.25));
    }

    #[test]
    fn confident_predictions_keep_full_precision() {
        // With e = exp(-20): p = e / (1 + e) = e - e^2, and the Brier score is 2 p^2.
        let e = (-20.0_f64).exp();
        let p = e / (1.0 + e);
        let logits = array![[0.0, 20.0], [20.0, 0.0]];
        assert!((brier(logits.view(), &[1, 0]).unwrap() / (2.0 * p * p) - 1.0).abs() < 1e-14);
        assert!((nll(logits.view(), &[1, 0]).unwrap() / e.ln_1p() - 1.0).abs() < 1e-14);
        assert!((ece(logits.view(), &[1, 0]).unwrap() / p - 1.0).abs() < 1e-14);
    }
}
