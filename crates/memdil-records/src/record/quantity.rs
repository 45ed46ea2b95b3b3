//! Access to the numbers of an [`EpochRecord`] by their paths.

use super::epoch::EpochRecord;

type Field = (&'static str, fn(&EpochRecord) -> Option<f64>);

/// The dotted path and an accessor of every number in an [`EpochRecord`], sorted by path.
const FIELDS: [Field; 54] = [
    ("accuracy", |r| r.accuracy),
    ("bias_collapse", |r| r.bias_collapse),
    ("ece", |r| r.ece),
    ("epoch", |r| Some(r.epoch as f64)),
    ("gradient_norm", |r| r.gradient_norm),
    ("gradient_over_decay", |r| r.gradient_over_decay),
    ("layers_dilation_ratio", |r| r.layers_dilation_ratio),
    ("layers_memorization_depth", |r| r.layers_memorization_depth),
    ("layers_memorization_ratio", |r| r.layers_memorization_ratio),
    ("learning_rate", |r| Some(r.learning_rate)),
    ("loss", |r| Some(r.loss)),
    ("memorization_mean", |r| r.memorization_mean),
    ("memorization_mean_all", |r| r.memorization_mean_all),
    ("memorization_sum", |r| r.memorization_sum),
    ("memorization_test_mean", |r| r.memorization_test_mean),
    ("memorized_as_clean", |r| r.memorized_as_clean),
    ("memorized_as_given", |r| r.memorized_as_given),
    ("memorized_as_other", |r| r.memorized_as_other),
    ("minority_angle", |r| r.minority_angle),
    ("minority_samples", |r| r.minority_samples),
    ("nc1", |r| r.nc1),
    ("nc1_all", |r| r.nc1_all),
    ("nc2_etf", |r| r.nc2_etf),
    ("nc2_etf_random", |r| r.nc2_etf_random),
    ("nc2_orthogonal", |r| r.nc2_orthogonal),
    ("nc2_orthogonal_random", |r| r.nc2_orthogonal_random),
    ("nc3", |r| r.nc3),
    ("nc3_random", |r| r.nc3_random),
    ("nc4", |r| r.nc4),
    ("ranking.alignment_given.auroc", |r| {
        Some(r.ranking.as_ref()?.alignment_given?.auroc)
    }),
    ("ranking.alignment_given.average_precision", |r| {
        Some(r.ranking.as_ref()?.alignment_given?.average_precision)
    }),
    ("ranking.distance_given.auroc", |r| {
        Some(r.ranking.as_ref()?.distance_given?.auroc)
    }),
    ("ranking.distance_given.average_precision", |r| {
        Some(r.ranking.as_ref()?.distance_given?.average_precision)
    }),
    ("ranking.forgetting_events.auroc", |r| {
        Some(r.ranking.as_ref()?.forgetting_events?.auroc)
    }),
    ("ranking.forgetting_events.average_precision", |r| {
        Some(r.ranking.as_ref()?.forgetting_events?.average_precision)
    }),
    ("ranking.given_since.auroc", |r| {
        Some(r.ranking.as_ref()?.given_since?.auroc)
    }),
    ("ranking.given_since.average_precision", |r| {
        Some(r.ranking.as_ref()?.given_since?.average_precision)
    }),
    ("ranking.mean_loss.auroc", |r| {
        Some(r.ranking.as_ref()?.mean_loss?.auroc)
    }),
    ("ranking.mean_loss.average_precision", |r| {
        Some(r.ranking.as_ref()?.mean_loss?.average_precision)
    }),
    ("ranking.mean_margin.auroc", |r| {
        Some(r.ranking.as_ref()?.mean_margin?.auroc)
    }),
    ("ranking.mean_margin.average_precision", |r| {
        Some(r.ranking.as_ref()?.mean_margin?.average_precision)
    }),
    ("seconds", |r| Some(r.seconds)),
    ("separation", |r| r.separation),
    ("test.accuracy", |r| Some(r.test.as_ref()?.accuracy)),
    ("test.dilation", |r| r.test.as_ref()?.dilation),
    ("test.dilation_correct", |r| {
        r.test.as_ref()?.dilation_correct
    }),
    ("test.ece", |r| r.test.as_ref()?.ece),
    ("test.loss", |r| Some(r.test.as_ref()?.loss)),
    ("test.radius", |r| r.test.as_ref()?.radius),
    ("test.rho", |r| r.test.as_ref()?.rho),
    ("test.rho_correct", |r| r.test.as_ref()?.rho_correct),
    ("test.rho_nc1", |r| r.test.as_ref()?.rho_nc1),
    ("test.separation", |r| r.test.as_ref()?.separation),
    ("validation_accuracy", |r| r.validation_accuracy),
];

/// The dotted paths of all numbers in an [`EpochRecord`], sorted.
pub const QUANTITIES: [&str; FIELDS.len()] = {
    let mut paths = [""; FIELDS.len()];
    let mut index = 0;
    while index < FIELDS.len() {
        paths[index] = FIELDS[index].0;
        index += 1;
    }
    paths
};

impl EpochRecord {
    /// The number at a path of [`QUANTITIES`]; `None` if it is not defined or not finite.
    ///
    /// ```
    /// let record = memdil_records::EpochRecord { nc1: Some(0.5), ..Default::default() };
    /// assert_eq!((record.quantity("nc1"), record.quantity("test.dilation")), (Some(0.5), None));
    /// ```
    pub fn quantity(&self, path: &str) -> Option<f64> {
        let index = QUANTITIES.binary_search(&path).ok()?;
        FIELDS[index].1(self).filter(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::epoch::{Ranking, RankingRecord, TestRecord};

    /// A record with a value for every number. It lists all fields without `..Default::default()`,
    /// so that a new field is a compile error here.
    fn filled() -> EpochRecord {
        let number = Some(1.0);
        let ranking = Some(Ranking {
            auroc: 1.0,
            average_precision: 1.0,
        });
        EpochRecord {
            ranking: Some(RankingRecord {
                alignment_given: ranking,
                distance_given: ranking,
                forgetting_events: ranking,
                given_since: ranking,
                mean_loss: ranking,
                mean_margin: ranking,
            }),
            epoch: 1,
            learning_rate: 1.0,
            loss: 1.0,
            memorization_per_class: None,
            layers: None,
            layers_dilation_ratio: number,
            layers_memorization_depth: number,
            layers_memorization_ratio: number,
            undefined: std::collections::BTreeMap::new(),
            seconds: 1.0,
            accuracy: number,
            bias_collapse: number,
            ece: number,
            gradient_norm: number,
            gradient_over_decay: number,
            memorization_mean: number,
            memorization_mean_all: number,
            memorization_sum: number,
            memorization_test_mean: number,
            memorized_as_clean: number,
            memorized_as_given: number,
            memorized_as_other: number,
            minority_angle: number,
            minority_samples: number,
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

    /// The dotted paths of the numbers in a JSON value.
    fn paths(prefix: &str, value: &serde_json::Value) -> Vec<String> {
        let Some(object) = value.as_object() else {
            return vec![prefix.to_owned()];
        };
        let below = |(key, value): (&String, _)| match prefix {
            "" => paths(key, value),
            _ => paths(&format!("{prefix}.{key}"), value),
        };
        object.iter().flat_map(below).collect()
    }

    #[test]
    fn quantities_list_every_number() {
        let json = serde_json::to_value(filled()).unwrap_or_default();
        let mut paths = paths("", &json);
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
