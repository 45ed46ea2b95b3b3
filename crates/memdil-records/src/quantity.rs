//! Numbers of an epoch's record by their path.

use crate::{EpochRecord, TestRecord};

/// Every number in an [`EpochRecord`] by its dotted path, sorted.
pub const QUANTITIES: [&str; 35] = [
    "accuracy",
    "bias_collapse",
    "ece",
    "epoch",
    "learning_rate",
    "loss",
    "memorization_mean",
    "memorization_mean_all",
    "memorization_sum",
    "memorization_test_mean",
    "memorized_as_clean",
    "memorized_as_given",
    "memorized_as_other",
    "nc1",
    "nc1_all",
    "nc2_etf",
    "nc2_etf_random",
    "nc2_orthogonal",
    "nc2_orthogonal_random",
    "nc3",
    "nc3_random",
    "nc4",
    "seconds",
    "separation",
    "test.accuracy",
    "test.dilation",
    "test.dilation_correct",
    "test.ece",
    "test.loss",
    "test.radius",
    "test.rho",
    "test.rho_correct",
    "test.rho_nc1",
    "test.separation",
    "validation_accuracy",
];

impl EpochRecord {
    /// The number at a path of [`QUANTITIES`]; `None` when it is not defined, or not finite.
    ///
    /// ```
    /// let record = memdil_records::EpochRecord { nc1: Some(0.5), ..Default::default() };
    /// assert_eq!((record.quantity("nc1"), record.quantity("test.dilation")), (Some(0.5), None));
    /// ```
    pub fn quantity(&self, path: &str) -> Option<f64> {
        let value = match path {
            "accuracy" => self.accuracy,
            "bias_collapse" => self.bias_collapse,
            "ece" => self.ece,
            "epoch" => Some(self.epoch as f64),
            "learning_rate" => Some(self.learning_rate),
            "loss" => Some(self.loss),
            "memorization_mean" => self.memorization_mean,
            "memorization_mean_all" => self.memorization_mean_all,
            "memorization_sum" => self.memorization_sum,
            "memorization_test_mean" => self.memorization_test_mean,
            "memorized_as_clean" => self.memorized_as_clean,
            "memorized_as_given" => self.memorized_as_given,
            "memorized_as_other" => self.memorized_as_other,
            "nc1" => self.nc1,
            "nc1_all" => self.nc1_all,
            "nc2_etf" => self.nc2_etf,
            "nc2_etf_random" => self.nc2_etf_random,
            "nc2_orthogonal" => self.nc2_orthogonal,
            "nc2_orthogonal_random" => self.nc2_orthogonal_random,
            "nc3" => self.nc3,
            "nc3_random" => self.nc3_random,
            "nc4" => self.nc4,
            "seconds" => Some(self.seconds),
            "separation" => self.separation,
            "validation_accuracy" => self.validation_accuracy,
            _ => path
                .strip_prefix("test.")
                .and_then(|name| self.test.as_ref()?.quantity(name)),
        };
        value.filter(|value| value.is_finite())
    }
}

impl TestRecord {
    fn quantity(&self, name: &str) -> Option<f64> {
        match name {
            "accuracy" => Some(self.accuracy),
            "dilation" => self.dilation,
            "dilation_correct" => self.dilation_correct,
            "ece" => self.ece,
            "loss" => Some(self.loss),
            "radius" => self.radius,
            "rho" => self.rho,
            "rho_correct" => self.rho_correct,
            "rho_nc1" => self.rho_nc1,
            "separation" => self.separation,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with every number; no field is left to a default, so that a new one is missed.
    fn filled() -> EpochRecord {
        let number = Some(1.0);
        EpochRecord {
            epoch: 1,
            learning_rate: 1.0,
            loss: 1.0,
            memorization_per_class: None,
            undefined: std::collections::BTreeMap::new(),
            seconds: 1.0,
            accuracy: number,
            bias_collapse: number,
            ece: number,
            memorization_mean: number,
            memorization_mean_all: number,
            memorization_sum: number,
            memorization_test_mean: number,
            memorized_as_clean: number,
            memorized_as_given: number,
            memorized_as_other: number,
            nc1: number,
            nc1_all: number,
            nc2_etf: number,
            nc2_etf_random: number,
            nc2_orthogonal: number,
            nc2_orthogonal_random: number,
            nc3: number,
            nc3_random: number,
            nc4: number,
            separation: number,
            validation_accuracy: number,
            test: Some(TestRecord {
                loss: 1.0,
                accuracy: 1.0,
                dilation: number,
                dilation_correct: number,
                ece: number,
                radius: number,
                rho: number,
                rho_correct: number,
                rho_nc1: number,
                separation: number,
            }),
        }
    }

    #[test]
    fn every_number_is_listed_and_found() {
        let json = serde_json::to_value(filled()).unwrap_or_default();
        let mut paths = Vec::new();
        for (name, value) in json.as_object().into_iter().flatten() {
            match value.as_object() {
                Some(test) => paths.extend(test.keys().map(|key| format!("{name}.{key}"))),
                None => paths.push(name.clone()),
            }
        }
        paths.sort();
        assert_eq!(paths, QUANTITIES);
        let record = filled();
        for path in QUANTITIES {
            assert_eq!(record.quantity(path), Some(1.0), "{path}");
        }
        assert_eq!(
            (record.quantity("test"), record.quantity("test.nc1")),
            (None, None)
        );
        assert_eq!(EpochRecord::default().quantity("test.accuracy"), None);
    }
}
