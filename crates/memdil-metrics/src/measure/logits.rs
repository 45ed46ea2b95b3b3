//! Metrics of logits without features.

use ndarray::ArrayView2;

use super::metrics::{Metrics, TestMetrics};
use super::predictions::{add_calibration, add_predictions, test_predictions};
use super::undefined::Undefined;
use crate::error::{Counted, MetricsError, SharedClasses, Subject};
use crate::input::{check_label_range, check_logits, check_samples, check_two_classes};
use crate::kernels::Real;
use crate::label::Label;
use crate::passes::Predictions;

/// Computes the metrics that require logits and labels but not features: accuracy, calibration and,
/// if clean labels are given, the shares of memorised labels. Classes may be empty.
///
/// # Shapes
/// `logits` (samples x classes), `labels` (samples) and `clean_labels` (samples); `test` contains
/// logits and labels of unseen samples with the same classes.
///
/// # Errors
/// Fewer than two classes, no samples, mismatched shapes, a label outside the classes, non-finite
/// values, probabilities instead of logits.
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
    let (samples, classes) = logits.dim();
    check_two_classes(classes)?;
    check_samples(Subject::Logits, samples)?;
    Counted::Entries.check(Subject::Labels, labels.len(), Subject::Logits, samples)?;
    let shared = SharedClasses::LastLayer;
    check_label_range(labels, Subject::Labels, classes, shared)?;
    if let Some(clean_labels) = clean_labels {
        check_label_range(clean_labels, Subject::CleanLabels, classes, shared)?;
    }
    check_logits(Subject::Logits, logits)?;
    let mut undefined = Undefined::default();
    let mut metrics = Metrics {
        samples: Some(samples),
        classes: Some(classes),
        ..Metrics::default()
    };
    let found = Predictions::of(logits, labels, clean_labels, classes)?;
    let noisy = clean_labels.is_some();
    add_predictions(&mut metrics, Ok(&found), noisy, &mut undefined)?;
    if let Some((logits, labels)) = test {
        let found = test_predictions(logits, labels, classes)?;
        let mut of_test = TestMetrics {
            samples: Some(labels.len()),
            ..TestMetrics::default()
        };
        add_calibration(&mut of_test, Ok(&found), &mut undefined)?;
        metrics.test = Some(of_test);
    }
    metrics.undefined = undefined.into_map();
    Ok(metrics)
}
