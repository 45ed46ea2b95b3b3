//! Calibration: does the confidence of a prediction equal its chance of being right?

use ndarray::ArrayView2;

use crate::MetricsError;
use crate::accuracy::argmax;
use crate::input::{Real, check_labels, check_samples, for_each_row};

/// Number of bins of [`ece`].
pub const ECE_BINS: usize = 15;

/// Expected calibration error: the gap between confidence and accuracy, averaged over bins of confidence.
///
/// $$\mathrm{ECE} = \sum_b \frac{|b|}{n} \left| \mathrm{acc}(b) - \mathrm{conf}(b) \right|$$
///
/// over 15 bins $(j/15, (j+1)/15]$ of the largest softmax probability; a confidence of exactly 1 falls in the last.
/// Ties of the prediction are decided for the lowest class. Source: Guo et al. 2017.
///
/// # Shapes
/// `logits` (samples x classes), `labels` (samples) to one number in $[0, 1]$, reduced over samples.
///
/// # Errors
/// No samples, lengths that differ, a label without a logit, non-finite logits.
///
/// # Examples
/// ```
/// use ndarray::array;
/// // Two predictions with confidence 3/4, one of them right: |1/2 - 3/4|.
/// let gap = 3.0_f64.ln();
/// let found = memdil_metrics::ece(array![[gap, 0.0], [gap, 0.0]].view(), &[0, 1])?;
/// assert!((found - 0.25).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn ece<T: Real>(logits: ArrayView2<'_, T>, labels: &[u32]) -> Result<f64, MetricsError> {
    check_samples("logits", logits.nrows())?;
    check_labels("labels", labels, "logits", logits.nrows(), logits.ncols())?;
    // Per bin, the number of right predictions minus the sum of confidences: |b| (acc(b) - conf(b)).
    let mut gaps = [0.0; ECE_BINS];
    for_each_row(logits, "logits", |row, values| {
        let predicted = argmax(values);
        let confidence = confidence(values, predicted);
        let right = if predicted == labels[row] as usize { 1.0 } else { 0.0 };
        gaps[bin_of(confidence)] += right - confidence;
    })?;
    Ok(gaps.iter().map(|gap| gap.abs()).sum::<f64>() / logits.nrows() as f64)
}

/// The softmax probability of the largest logit, which stands at `top`; never above 1.
fn confidence(logits: &[f64], top: usize) -> f64 {
    let largest = logits[top];
    1.0 / logits.iter().map(|logit| (logit - largest).exp()).sum::<f64>()
}

/// The bin $(j/15, (j+1)/15]$ of a confidence in $(0, 1]$.
fn bin_of(confidence: f64) -> usize {
    let upper_edge = |bin: usize| (bin + 1) as f64 / ECE_BINS as f64;
    (0..ECE_BINS - 1).find(|&bin| confidence <= upper_edge(bin)).unwrap_or(ECE_BINS - 1)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn bins_include_their_upper_edge() {
        for bin in 0..ECE_BINS {
            let edge = (bin + 1) as f64 / ECE_BINS as f64;
            assert_eq!(bin_of(edge), bin);
            assert_eq!(bin_of(edge + 1e-15), (bin + 1).min(ECE_BINS - 1));
        }
        assert_eq!(bin_of(1e-9), 0);
    }

    #[test]
    fn gaps_of_different_bins_do_not_cancel() {
        // Confidence 3/4 and wrong, 9/10 and right: (3/4 + 1/10) / 2.
        let logits = array![[3.0_f64.ln(), 0.0], [9.0_f64.ln(), 0.0]];
        assert!((ece(logits.view(), &[1, 0]).unwrap() - 0.425).abs() < 1e-15);
    }

    #[test]
    fn gaps_of_one_bin_do() {
        // 3/5 right, 3/5 right, 3/5 wrong, 3/5 right: |3/4 - 3/5|.
        let gap = 1.5_f64.ln();
        let logits = array![[gap, 0.0], [gap, 0.0], [gap, 0.0], [gap, 0.0]];
        assert!((ece(logits.view(), &[0, 0, 1, 0]).unwrap() - 0.15).abs() < 1e-15);
    }

    #[test]
    fn extreme_logits_stay_numbers() {
        let logits = array![[1e308, -1e308, 0.0], [-1e308, 1e308, 1e308]];
        // Confidence 1 and right, confidence 1/2 and wrong (the tie goes to class 1).
        assert_eq!(ece(logits.view(), &[0, 2]), Ok(0.25));
    }
}
