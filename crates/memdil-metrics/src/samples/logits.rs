//! Loss and margin of each sample.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::MIN_ROWS;
use crate::error::{Counted, MetricsError, Subject, finite};
use crate::input::{
    check_labels, check_samples, check_two_classes, non_finite_row, to_f64, vector_to_f64,
    why_not_finite,
};
use crate::kernels::{Real, Rows};
use crate::label::{Label, class};
use crate::linalg::{dot, rows_of};

/// Loss and margin of each sample; see [`logit_scores`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogitScores {
    /// Cross entropy $-\ln p_{i y_i}$ of the given label, in nats.
    pub losses: Vec<f64>,
    /// Logit of the given label minus the largest other logit; positive if the prediction is the
    /// given label.
    pub margins: Vec<f64>,
}

/// Loss and margin of each sample for its given label.
///
/// $$\mathrm{loss}_i = -\ln p_{i y_i}, \qquad
///   \mathrm{margin}_i = z_{i y_i} - \max_{k \ne y_i} z_{ik}$$
///
/// Samples with wrong labels have large losses and small margins until the network memorises their
/// labels. The mean of the losses is [`nll`](crate::nll). Source: Pleiss et al. 2020, whose area
/// under the margin is the mean of the margin over the epochs.
///
/// # Shapes
/// `logits` (samples x classes) and `labels` (samples) give two arrays (samples).
///
/// # Errors
/// Fewer than two classes, no samples, mismatched lengths, a label without a logit, non-finite
/// logits, values outside the range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let logits = array![[0.0, 0.0], [3.0, -2.0]];
/// let found = memdil_metrics::logit_scores(logits.view(), &[0, 1])?;
/// assert_eq!(found.margins, [0.0, -5.0]);
/// assert!((found.losses[0] - 2.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
#[doc(alias = "area under the margin")]
#[doc(alias = "get_label_quality_scores")]
#[doc(alias = "self_confidence")]
#[doc(alias = "normalized_margin")]
pub fn logit_scores<T: Real, L: Label>(
    logits: ArrayView2<'_, T>,
    labels: &[L],
) -> Result<LogitScores, MetricsError> {
    let (samples, classes) = logits.dim();
    let array = Subject::Logits;
    check_two_classes(classes)?;
    check_samples(array, samples)?;
    check_labels(labels, None, (array, samples), classes)?;
    if let Some(row) = non_finite_row(logits) {
        return Err(MetricsError::NonFinite { array, row });
    }
    let rows = Rows::new(logits);
    let logits_of = |scratch: &mut Vec<T>, row: usize, logits: &mut Vec<f64>| {
        logits.extend(rows.get(row, scratch).iter().map(|&logit| logit.into()));
    };
    LogitScores::collect(labels, logits_of)
}

/// Same as [`logit_scores`] for the logits $W h_i + b$ of the last layer.
///
/// # Shapes
/// `features` (samples x features), `labels` (samples), `classifier` (classes x features) and
/// `bias` (classes) give two arrays (samples).
///
/// # Errors
/// Fewer than two classes, no samples, mismatched shapes or lengths, a label without a classifier
/// row, non-finite input, values outside the range of `f64`.
///
/// # Examples
/// ```
/// use ndarray::array;
/// let (features, labels) = (array![[1.0_f32], [3.0]], [0, 0]);
/// let (classifier, bias) = (array![[1.0], [-1.0]], array![0.0, 4.0]);
/// let head = (classifier.view(), bias.view());
/// let found = memdil_metrics::head_scores(features.view(), &labels, head)?;
/// assert_eq!(found.margins, [-2.0, 2.0]);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn head_scores<T: Real, W: Real, L: Label>(
    features: ArrayView2<'_, T>,
    labels: &[L],
    (classifier, bias): (ArrayView2<'_, W>, ArrayView1<'_, W>),
) -> Result<LogitScores, MetricsError> {
    let ((samples, dim), (classes, columns)) = (features.dim(), classifier.dim());
    check_two_classes(classes)?;
    check_samples(Subject::Features, samples)?;
    Counted::Columns.check(Subject::Features, dim, Subject::Classifier, columns)?;
    Counted::Entries.check(Subject::Bias, bias.len(), Subject::Classifier, classes)?;
    check_labels(labels, None, (Subject::Features, samples), classes)?;
    let classifier = rows_of(&to_f64(classifier, Subject::Classifier)?);
    let bias = vector_to_f64(bias, Subject::Bias)?;
    let rows = Rows::new(features);
    let logits_of =
        |(scratch, sample): &mut (Vec<T>, Vec<f64>), row: usize, logits: &mut Vec<f64>| {
            sample.clear();
            sample.extend(rows.get(row, scratch).iter().map(|&value| value.into()));
            let parts = classifier.iter().zip(&bias);
            logits.extend(parts.map(|(row, bias)| dot(row, sample) + bias));
        };
    LogitScores::collect(labels, logits_of)
        .map_err(|_| why_not_finite(features, "a product of the"))
}

impl LogitScores {
    /// The scores of all samples. `logits_of` appends the logits of a row to an empty vector.
    fn collect<S: Default + Send, L: Label>(
        labels: &[L],
        logits_of: impl Fn(&mut S, usize, &mut Vec<f64>) + Sync,
    ) -> Result<Self, MetricsError> {
        let score = |(scratch, logits): &mut (S, Vec<f64>), row: usize| {
            logits.clear();
            logits_of(scratch, row, logits);
            loss_and_margin(logits, class(labels[row]))
        };
        let rows = (0..labels.len()).into_par_iter();
        let (losses, margins): (Vec<f64>, Vec<f64>) = rows
            .with_min_len(MIN_ROWS)
            .map_init(Default::default, score)
            .unzip();
        finite("the loss of the samples", losses.iter().sum())?;
        finite("the margin of the samples", margins.iter().sum())?;
        Ok(Self { losses, margins })
    }
}

/// Loss and margin of one sample; see [`logit_scores`], which also checks its input.
///
/// # Shapes
/// `logits` (classes), at least two finite ones, and the `label` of one of them give two numbers.
///
/// # Panics
/// If the label has no logit.
///
/// # Examples
/// ```
/// let (loss, margin) = memdil_metrics::loss_and_margin(&[0.0, 1.0], 1);
/// assert_eq!((loss, margin), ((-1.0_f64).exp().ln_1p(), 1.0));
/// ```
pub fn loss_and_margin(logits: &[f64], label: usize) -> (f64, f64) {
    let own = logits[label];
    let (before, rest) = logits.split_at(label);
    let others = || before.iter().chain(&rest[1..]).copied();
    let other = others().fold(f64::NEG_INFINITY, f64::max);
    let margin = own - other;
    // With the logits relative to the largest, no exponential overflows, and a small loss is not a
    // difference of large numbers.
    let loss = if margin >= 0.0 {
        others()
            .map(|logit| (logit - own).exp())
            .sum::<f64>()
            .ln_1p()
    } else {
        let relative: f64 = others().map(|logit| (logit - other).exp()).sum();
        -margin + (relative + margin.exp()).ln()
    };
    (loss, margin)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn extreme_logits_keep_their_precision() {
        let logits = array![[0.0, 800.0], [0.0, -800.0], [40.0, 0.0], [0.0, 40.0]];
        let found = logit_scores(logits.view(), &[0, 0, 0, 0]).unwrap();
        assert_eq!(found.margins, [-800.0, 800.0, 40.0, -40.0]);
        assert_eq!(found.losses[..2], [800.0, 0.0]);
        let small = (-40.0_f64).exp();
        assert!((found.losses[2] / small - 1.0).abs() < 1e-12);
        assert!((found.losses[3] - 40.0).abs() < 1e-12);
    }

    #[test]
    fn invalid_logits_are_errors() {
        let one = array![[1.0], [2.0]];
        assert_eq!(
            logit_scores(one.view(), &[0, 0]),
            Err(MetricsError::TooFewClasses { classes: 1 })
        );
        let huge = array![[f64::MAX, -f64::MAX]];
        assert!(matches!(
            logit_scores(huge.view(), &[0]),
            Err(MetricsError::Overflow { .. })
        ));
        let (features, w, b) = (
            array![[1.0, f64::NAN]],
            array![[1.0, 1.0], [2.0, 0.0]],
            array![0.0, 0.0],
        );
        let found = head_scores(features.view(), &[0], (w.view(), b.view()));
        assert_eq!(
            found.unwrap_err().to_string(),
            "features: row 0 holds a NaN or an infinity"
        );
    }
}
