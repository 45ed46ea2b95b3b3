//! Accuracy, calibration and memorised labels, computed from the last layer or from logits.

use ndarray::ArrayView2;

use super::explain::explain_test;
use super::metrics::{Metrics, TestMetrics};
use super::undefined::Undefined;
use crate::error::{MetricsError, Subject};
use crate::input::{check_logits, check_samples};
use crate::kernels::Real;
use crate::label::Label;
use crate::passes::Predictions;

/// Adds accuracy, calibration and, with clean labels, the predictions for corrupted samples.
pub(super) fn add_predictions(
    metrics: &mut Metrics,
    predictions: Result<&Predictions, MetricsError>,
    noisy: bool,
    undefined: &mut Undefined,
) -> Result<(), MetricsError> {
    [
        metrics.accuracy,
        metrics.ece,
        metrics.adaptive_ece,
        metrics.brier,
        metrics.nll,
    ] = undefined.calibration("", predictions.clone())?;
    if !noisy {
        return Ok(());
    }
    let shares = predictions.map(Predictions::memorized_fraction);
    let parts = ["_as_given", "_as_clean", "_as_other"];
    if let Some(shares) = undefined.keep_parts("memorized", parts, shares)?.flatten() {
        metrics.memorized_as_given = Some(shares.as_given);
        metrics.memorized_as_clean = Some(shares.as_clean);
        metrics.memorized_as_other = Some(shares.as_other);
    }
    Ok(())
}

/// Adds accuracy and calibration on the test set.
pub(super) fn add_calibration(
    metrics: &mut TestMetrics,
    predictions: Result<&Predictions, MetricsError>,
    undefined: &mut Undefined,
) -> Result<(), MetricsError> {
    [
        metrics.accuracy,
        metrics.ece,
        metrics.adaptive_ece,
        metrics.brier,
        metrics.nll,
    ] = undefined.calibration("test.", predictions)?;
    Ok(())
}

/// Predictions from logits of the test set.
pub(super) fn test_predictions<W: Real, L: Label>(
    logits: ArrayView2<'_, W>,
    labels: &[L],
    classes: usize,
) -> Result<Predictions, MetricsError> {
    check_samples(Subject::TestLogits, logits.nrows())?;
    check_logits(Subject::TestLogits, logits)?;
    Predictions::of(logits, labels, None, classes)
        .map_err(|error| explain_test(error, labels, classes))
}
