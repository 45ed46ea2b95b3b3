//! Undefined metrics and the reasons.

use std::collections::BTreeMap;

use crate::error::MetricsError;
use crate::passes::Predictions;
use crate::results::Memorization;

/// The reason for each metric that is undefined for the inputs.
#[derive(Default)]
pub(super) struct Undefined(BTreeMap<String, String>);

impl Undefined {
    /// Returns the value of a metric, or records the reason if it is undefined. Invalid inputs
    /// remain an error.
    pub(super) fn keep<V>(
        &mut self,
        metric: &str,
        value: Result<V, MetricsError>,
    ) -> Result<Option<V>, MetricsError> {
        match value {
            Ok(value) => Ok(Some(value)),
            Err(reason) if reason.concerns_one_metric() => {
                self.0.insert(metric.to_owned(), reason.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Same as [`keep`](Self::keep) for a value that consists of several metrics, named
    /// `{metric}{part}`.
    pub(super) fn keep_parts<V>(
        &mut self,
        metric: &str,
        parts: [&str; 3],
        value: Result<V, MetricsError>,
    ) -> Result<Option<V>, MetricsError> {
        if let Err(reason) = &value {
            for part in parts {
                self.keep::<V>(&format!("{metric}{part}"), Err(reason.clone()))?;
            }
        }
        Ok(value.ok())
    }

    /// Same as [`keep`](Self::keep) for one value per class. The reason is that of the first class
    /// for which the metric is undefined; without a value for any class, the result is empty.
    pub(super) fn keep_each<V>(
        &mut self,
        metric: &str,
        values: Result<Vec<Result<V, MetricsError>>, MetricsError>,
    ) -> Result<Vec<Option<V>>, MetricsError> {
        let Some(values) = self.keep(metric, values)? else {
            return Ok(Vec::new());
        };
        let mut kept = Vec::with_capacity(values.len());
        for value in values {
            kept.push(match value {
                Err(reason) if reason.concerns_one_metric() && self.0.contains_key(metric) => None,
                value => self.keep(metric, value)?,
            });
        }
        Ok(kept)
    }

    /// Same as [`keep`](Self::keep) for the sum, the mean and the sums per class.
    pub(super) fn memorization(
        &mut self,
        metric: &str,
        found: Result<Memorization, MetricsError>,
    ) -> Result<Option<Memorization>, MetricsError> {
        self.keep_parts(metric, ["_sum", "_mean", "_per_class"], found)
    }

    /// Accuracy, ECE, adaptive ECE, Brier score and negative log-likelihood.
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

    /// The reason per metric; `None` if all metrics are defined.
    pub(super) fn into_map(self) -> Option<BTreeMap<String, String>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}
