//! What logits give without features.

use ndarray::ArrayView2;

use super::metrics::{Metrics, TestMetrics};
use super::undefined::Undefined;
use super::{add_predictions, from_logits, test_predictions};
use crate::MetricsError;
use crate::input::{Label, Real, check_length, check_samples, check_two_classes};
use crate::labels::{SharedClasses, check_label_range};
use crate::probabilities::check_logits;

/// Measures what logits and labels give without features: accuracy and calibration, and the shares
/// of memorised labels where clean labels are given. A class may have no sample.
///
/// # Shapes
/// `logits`: samples x classes, `labels` and `clean_labels`: samples; `test`: the same of unseen
/// samples, for the same classes.
///
/// # Errors
/// Fewer than two classes, no samples, shapes that differ, a label outside the classes, values that
/// are not finite, probabilities in the place of logits.
///
/// # Examples
/// ```
/// use memdil_metrics::measure_logits;
/// use ndarray::array;
///
/// let logits = array![[2.0_f32, -1.0], [0.5, 1.0], [3.0, 0.0]];
/// let found = measure_logits(logits.view(), &[0, 1, 1], None, None)?;
/// assert_eq!((found.accuracy, found.nc1), (Some(2.0 / 3.0), None));
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn measure_logits<W: Real, L: Label>(
    logits: ArrayView2<'_, W>,
    labels: &[L],
    clean_labels: Option<&[L]>,
    test: Option<(ArrayView2<'_, W>, &[L])>,
) -> Result<Metrics, MetricsError> {
    let classes = logits.ncols();
    check_two_classes(classes)?;
    check_samples("logits", logits.nrows())?;
    check_length("labels", "entries", labels.len(), "logits", logits.nrows())?;
    check_label_range("labels", labels, classes, SharedClasses::LastLayer)?;
    if let Some(clean_labels) = clean_labels {
        check_label_range(
            "clean_labels",
            clean_labels,
            classes,
            SharedClasses::LastLayer,
        )?;
    }
    check_logits("logits", logits)?;
    let mut undefined = Undefined::default();
    let mut metrics = Metrics {
        samples: Some(labels.len()),
        classes: Some(classes),
        ..Metrics::default()
    };
    let found = from_logits(logits, labels, clean_labels, classes)?;
    add_predictions(
        &mut metrics,
        Ok(&found),
        clean_labels.is_some(),
        &mut undefined,
    )?;
    if let Some((logits, labels)) = test {
        let found = test_predictions(logits, labels, classes)?;
        let [accuracy, ece, adaptive_ece, brier, nll] =
            undefined.calibration("test.", Ok(&found))?;
        metrics.test = Some(TestMetrics {
            samples: Some(labels.len()),
            accuracy,
            ece,
            adaptive_ece,
            brier,
            nll,
            ..TestMetrics::default()
        });
    }
    metrics.undefined = undefined.into_map();
    Ok(metrics)
}
