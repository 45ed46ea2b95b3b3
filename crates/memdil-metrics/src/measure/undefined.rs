//! Metrics without a value, and why.

use std::collections::BTreeMap;

use crate::error::MetricsError;
use crate::passes::Predictions;

/// The reason of each metric that the inputs leave undefined.
#[derive(Default)]
pub(super) struct Undefined(BTreeMap<String, String>);

impl Undefined {
    /// The value; where the metric has none, the reason is noted. Inputs that cannot be used at
    /// all remain an error.
    pub(super) fn keep<V>(
        &mut self,
        metric: &str,
        value: Result<V, MetricsError>,
    ) -> Result<Option<V>, MetricsError> {
        match value {
            Ok(value) => Ok(Some(value)),
            Err(reason) if reason.is_of_one_metric() => {
                self.0.insert(metric.to_owned(), reason.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// As [`keep`](Self::keep) for a value that gives several metrics.
    pub(super) fn keep_for<V>(
        &mut self,
        metrics: &[&str],
        value: Result<V, MetricsError>,
    ) -> Result<Option<V>, MetricsError> {
        if let Err(reason) = &value {
            for metric in metrics {
                self.keep::<V>(metric, Err(reason.clone()))?;
            }
        }
        Ok(value.ok())
    }

    /// Accuracy, ECE, adaptive ECE, Brier score and likelihood.
    pub(super) fn calibration(
        &mut self,
        prefix: &str,
        predictions: Result<&Predictions, MetricsError>,
    ) -> Result<[Option<f64>; 5], MetricsError> {
        let names = ["accuracy", "ece", "adaptive_ece", "brier", "nll"];
        let names = names.map(|name| format!("{prefix}{name}"));
        let Some(predictions) =
            self.keep_for(&names.each_ref().map(|n| n.as_str()), predictions)?
        else {
            return Ok([None; 5]);
        };
        let nll = self.keep(&names[4], predictions.nll())?;
        let [accuracy, ece] = [predictions.accuracy()?, predictions.ece()?];
        Ok([
            Some(accuracy),
            Some(ece),
            Some(predictions.adaptive_ece()?),
            Some(predictions.brier()?),
            nll,
        ])
    }

    /// Metric and reason; `None` where every metric has a value.
    pub(super) fn into_map(self) -> Option<BTreeMap<String, String>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}
