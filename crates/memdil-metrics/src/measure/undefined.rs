//! Metrics without a value, and why.

use std::collections::BTreeMap;

use crate::error::MetricsError;
use crate::passes::Predictions;
use crate::results::Memorization;

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

    /// As [`keep`](Self::keep) for a value that gives several metrics: `metric_part` for each part.
    pub(super) fn keep_parts<V>(
        &mut self,
        metric: &str,
        parts: [&str; 3],
        value: Result<V, MetricsError>,
    ) -> Result<Option<V>, MetricsError> {
        if let Err(reason) = &value {
            for part in parts {
                self.keep::<V>(&format!("{metric}_{part}"), Err(reason.clone()))?;
            }
        }
        Ok(value.ok())
    }

    /// As [`keep`](Self::keep) for the sum, the mean and the sums by class.
    pub(super) fn memorization(
        &mut self,
        metric: &str,
        found: Result<Memorization, MetricsError>,
    ) -> Result<Option<Memorization>, MetricsError> {
        self.keep_parts(metric, ["sum", "mean", "per_class"], found)
    }

    /// Accuracy, ECE, adaptive ECE, Brier score and likelihood.
    pub(super) fn calibration(
        &mut self,
        prefix: &str,
        predictions: Result<&Predictions, MetricsError>,
    ) -> Result<[Option<f64>; 5], MetricsError> {
        let found = match predictions {
            Ok(p) => [p.accuracy(), p.ece(), p.adaptive_ece(), p.brier(), p.nll()],
            Err(reason) => [(); 5].map(|()| Err(reason.clone())),
        };
        let names = ["accuracy", "ece", "adaptive_ece", "brier", "nll"];
        let mut kept = [None; 5];
        for ((slot, name), value) in kept.iter_mut().zip(names).zip(found) {
            *slot = self.keep(&format!("{prefix}{name}"), value)?;
        }
        Ok(kept)
    }

    /// Metric and reason; `None` where every metric has a value.
    pub(super) fn into_map(self) -> Option<BTreeMap<String, String>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}
