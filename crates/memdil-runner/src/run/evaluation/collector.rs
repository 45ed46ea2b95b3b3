//! Collects the reasons of undefined metrics.

use std::collections::BTreeMap;

use memdil_metrics::MetricsError;

/// Unwraps metrics, and collects the reasons of undefined ones.
pub(super) struct Collector {
    pub(super) undefined: BTreeMap<String, String>,
}

impl Collector {
    pub(super) fn value<T>(&mut self, name: &str, result: Result<T, MetricsError>) -> Option<T> {
        self.value_of(&[name], result)
    }

    /// Like [`value`](Self::value), for a result from which several metrics are taken.
    pub(super) fn value_of<T>(
        &mut self,
        names: &[&str],
        result: Result<T, MetricsError>,
    ) -> Option<T> {
        if let Err(reason) = &result {
            let reasons = names
                .iter()
                .map(|&name| (name.to_owned(), reason.to_string()));
            self.undefined.extend(reasons);
        }
        result.ok()
    }

    /// A metric of the test samples, or of the correctly classified test samples; `samples` names
    /// them in the reason.
    pub(super) fn test_value<T>(
        &mut self,
        name: &str,
        samples: &str,
        result: Result<T, MetricsError>,
    ) -> Option<T> {
        let reason = match &result {
            Err(MetricsError::EmptyClass { class, .. }) => {
                format!("class {class} has no {samples}")
            }
            Err(MetricsError::NoSamples { .. }) => format!("there is not a {samples}"),
            _ => return self.value(name, result),
        };
        self.undefined.insert(name.to_owned(), reason);
        None
    }
}
