//! A hyper-parameter search: what is tried, and its history.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::spec::check;
use crate::{RecordError, RunSpec, Status};

/// What a search tries, as the table `[search]` of an experiment file says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchSpec {
    /// How the values of a trial come about.
    pub sampler: Sampler,
    /// Trials, at least one.
    pub trials: usize,
    /// Length of a trial: a share of the epochs, in `(0, 1]`.
    pub epochs: f64,
    /// Where the values of each setting come from, by its dotted name.
    pub space: BTreeMap<String, SearchRange>,
}

/// How the values of a trial come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Drawn from the space, whatever other trials gave (Bergstra and Bengio 2012).
    Random,
    /// Tree-structured Parzen estimator (Bergstra et al. 2011): drawn where good trials are denser
    /// than bad ones, each setting by itself.
    Tpe,
}

impl Sampler {
    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Tpe => "tpe",
        }
    }
}

/// Where the values of a setting come from.
///
/// ```
/// use memdil_records::{SearchRange, SearchScale};
///
/// let range: SearchRange = serde_json::from_str(r#"{"low": 1e-5, "high": 0.5, "scale": "log"}"#)?;
/// assert_eq!(range, SearchRange::Interval { low: 1e-5, high: 0.5, scale: SearchScale::Log });
/// assert!(serde_json::from_str::<SearchRange>(r#"{"low": 1e-5, "values": [1]}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(into = "Written")]
pub enum SearchRange {
    /// Real numbers between two bounds.
    Interval {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// What is uniform.
        scale: SearchScale,
    },
    /// These values, each as likely as the others.
    Values(Vec<Value>),
}

/// What is uniform in an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchScale {
    /// The value.
    #[default]
    Linear,
    /// Its logarithm.
    Log,
}

/// The keys of a [`SearchRange`] in a configuration.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    low: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scale: Option<SearchScale>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Value>>,
}

/// How a range is written.
const SHAPES: &str = "{ low = .., high = .. }, perhaps with scale = \"log\", or { values = [..] }";

/// From a table only: a list would else be read as the keys in their order.
impl<'de> Deserialize<'de> for SearchRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;
        impl<'de> Visitor<'de> for Table {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(SHAPES)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
                Written::deserialize(MapAccessDeserializer::new(map))
            }
        }
        match deserializer.deserialize_map(Table)? {
            Written {
                low: Some(low),
                high: Some(high),
                scale,
                values: None,
            } => Ok(Self::Interval {
                low,
                high,
                scale: scale.unwrap_or_default(),
            }),
            Written {
                low: None,
                high: None,
                scale: None,
                values: Some(values),
            } => Ok(Self::Values(values)),
            _ => Err(D::Error::custom(format!("must be {SHAPES}"))),
        }
    }
}

impl From<SearchRange> for Written {
    fn from(range: SearchRange) -> Self {
        match range {
            SearchRange::Interval { low, high, scale } => Self {
                low: Some(low),
                high: Some(high),
                scale: Some(scale),
                values: None,
            },
            SearchRange::Values(values) => Self {
                low: None,
                high: None,
                scale: None,
                values: Some(values),
            },
        }
    }
}

/// Settings that a search decides itself: the seed names its random numbers, trials hold data out
/// and are short, and the retrained run does neither.
const OWN: [&str; 4] = ["experiment", "seed", "data.validation", "training.epochs"];

impl SearchSpec {
    /// Epochs of a trial, where a whole run has `epochs`: the share rounded, at least one.
    pub fn trial_epochs(&self, epochs: usize) -> usize {
        ((self.epochs * epochs as f64).round() as usize).clamp(1, epochs.max(1))
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`RecordError::OutOfRange`] or [`RecordError::Space`], naming the first setting that is out
    /// of range.
    pub fn validate(&self) -> Result<(), RecordError> {
        check(self.trials >= 1, "search.trials", self.trials, "at least 1")?;
        check(
            self.epochs > 0.0 && self.epochs <= 1.0,
            "search.epochs",
            self.epochs,
            "in (0, 1]",
        )?;
        check(
            !self.space.is_empty(),
            "search.space",
            "{}",
            "at least one setting with its range",
        )?;
        for (name, range) in &self.space {
            let refuse = |reason: String| {
                Err(RecordError::Space {
                    name: name.clone(),
                    reason,
                })
            };
            if OWN.contains(&name.as_str()) {
                return refuse("is no setting to search over: the search decides it".to_owned());
            }
            let inside = |other: &&String| {
                name.strip_prefix(other.as_str())
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            if let Some(whole) = self.space.keys().find(inside) {
                return refuse(format!(
                    "is a part of '{whole}', which is searched over too"
                ));
            }
            if let Err(reason) = range.validate() {
                return refuse(reason);
            }
        }
        Ok(())
    }
}

impl SearchRange {
    fn validate(&self) -> Result<(), String> {
        match self {
            Self::Interval { low, high, scale } => {
                if !(low.is_finite() && high.is_finite() && (high - low).is_finite()) {
                    return Err(format!("low = {low}, high = {high}: must be finite"));
                }
                if low >= high {
                    return Err(format!("low = {low} must be below high = {high}"));
                }
                if *scale == SearchScale::Log && *low <= 0.0 {
                    return Err(format!(
                        "low = {low} must be positive on a logarithmic scale"
                    ));
                }
                Ok(())
            }
            Self::Values(values) => {
                if values.is_empty() {
                    return Err("values = []: must hold at least one value".to_owned());
                }
                if values.iter().any(Value::is_null) {
                    return Err("values must be finite".to_owned());
                }
                match values
                    .iter()
                    .enumerate()
                    .find(|(index, value)| values[..*index].contains(value))
                {
                    Some((_, value)) => Err(format!("values hold {value} twice")),
                    None => Ok(()),
                }
            }
        }
    }
}

/// A finished trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialRecord {
    /// Number, counted from one.
    pub trial: usize,
    /// The values tried, by the names of their settings.
    pub values: BTreeMap<String, Value>,
    /// The run that tried them.
    pub run: String,
    /// How it ended.
    pub status: Status,
    /// Accuracy on the held-out noisy samples after the last epoch; left out when the run diverged,
    /// which counts as worst.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub validation_accuracy: Option<f64>,
    /// The highest of it up to this trial.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub best_so_far: Option<f64>,
}

/// The best trial's values trained on all training data for all epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrainedRecord {
    /// The run.
    pub run: String,
    /// How it ended.
    pub status: Status,
    /// Accuracy on the test set; left out when the run diverged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test_accuracy: Option<f64>,
}

/// A search and its history. No value in it depends on when or how often the search was stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRecord {
    /// Version of this format; readers refuse what they do not know.
    pub format: u32,
    /// Name of the search: that of the run that its settings describe.
    pub id: String,
    /// What is tried.
    pub search: SearchSpec,
    /// The settings that the values of a trial are put into.
    pub spec: RunSpec,
    /// The settings that are searched over: those of the space that the loss, the optimiser and so
    /// on have.
    pub settings: Vec<String>,
    /// Finished trials, in the order of their numbers.
    pub trials: Vec<TrialRecord>,
    /// The first trial with the highest validation accuracy, once all are finished; left out when
    /// all have diverged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub best_trial: Option<usize>,
    /// The run made with its values.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retrained: Option<RetrainedRecord>,
}

impl SearchRecord {
    /// The format this crate writes and reads.
    pub const FORMAT: u32 = 1;

    /// True when every trial is finished.
    pub fn all_tried(&self) -> bool {
        self.trials.len() == self.search.trials
    }

    /// Works out what follows from the trials: their order, the best so far, the best of all.
    pub fn settle(&mut self) {
        self.trials.sort_by_key(|trial| trial.trial);
        let mut best: Option<(usize, f64)> = None;
        for trial in &mut self.trials {
            if let Some(accuracy) = trial.validation_accuracy
                && best.is_none_or(|(_, highest)| accuracy > highest)
            {
                best = Some((trial.trial, accuracy));
            }
            trial.best_so_far = best.map(|(_, highest)| highest);
        }
        self.best_trial = best.map(|(trial, _)| trial).filter(|_| self.all_tried());
    }

    /// The best trial.
    pub fn best(&self) -> Option<&TrialRecord> {
        self.trials
            .iter()
            .find(|trial| Some(trial.trial) == self.best_trial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(space: &str) -> Result<(), String> {
        let text = format!("sampler = 'tpe'\ntrials = 3\nepochs = 0.8\n[space]\n{space}");
        let spec: SearchSpec = toml::from_str(&text).map_err(|e| e.message().to_owned())?;
        spec.validate().map_err(|e| e.to_string())
    }

    #[test]
    fn bad_spaces_are_refused_by_name() {
        spec("'a.b' = { low = 1, high = 2 }\nc = { values = ['x', 2, 0.5, { kind = 'mse' }] }")
            .unwrap();
        let range = SearchRange::Interval {
            low: 1e-5,
            high: 0.5,
            scale: SearchScale::Log,
        };
        let json = serde_json::to_string(&range).unwrap();
        assert_eq!(serde_json::from_str::<SearchRange>(&json).unwrap(), range);
        for (space, expected) in [
            ("", "search.space = {}: must be at least one setting"),
            (
                "'a.b' = { low = 2.0, high = 1.0 }",
                "'a.b': low = 2 must be below high = 1",
            ),
            (
                "'a.b' = { low = 1, high = 1 }",
                "'a.b': low = 1 must be below",
            ),
            (
                "'a.b' = { low = 0.0, high = 1.0, scale = 'log' }",
                "'a.b': low = 0 must be positive",
            ),
            (
                "'a.b' = { low = nan, high = 1.0 }",
                "'a.b': low = NaN, high = 1: must be finite",
            ),
            ("'a.b' = { low = -1e308, high = 1e308 }", "must be finite"),
            (
                "'a.b' = { low = 0.0, high = inf }",
                "'a.b': low = 0, high = inf: must be finite",
            ),
            ("'a.b' = { values = [] }", "'a.b': values = []"),
            (
                "'a.b' = { values = [0.1, nan] }",
                "'a.b': values must be finite",
            ),
            (
                "'a.b' = { values = [0.1, 1, 0.1] }",
                "'a.b': values hold 0.1 twice",
            ),
            ("'a.b' = { low = 0.0 }", "must be { low = .., high = .. }"),
            (
                "'a.b' = { low = 0.0, high = 1.0, values = [1] }",
                "must be { low = .., high = .. }",
            ),
            ("'a.b' = { low = 0.0, hihg = 1.0 }", "unknown field `hihg`"),
            (
                "'a.b' = { low = 0.1, high = 1.0, scale = 'ln' }",
                "unknown variant `ln`",
            ),
            (
                "seed = { values = [1, 2] }",
                "'seed': is no setting to search over",
            ),
            (
                "'training.epochs' = { values = [1, 2] }",
                "'training.epochs': is no setting to search over",
            ),
            (
                "a = { values = [1, 2] }\n'a.b' = { values = [1, 2] }",
                "'a.b': is a part of 'a'",
            ),
        ] {
            let error = spec(space).unwrap_err();
            assert!(error.contains(expected), "{space}: {error}");
        }
    }

    #[test]
    fn trials_and_share_have_ranges() {
        let range = SearchRange::Values(vec![1.into()]);
        let good = SearchSpec {
            sampler: Sampler::Random,
            trials: 1,
            epochs: 1.0,
            space: BTreeMap::from([("a".to_owned(), range)]),
        };
        good.validate().unwrap();
        let error = |spec: SearchSpec| spec.validate().unwrap_err().to_string();
        assert!(
            error(SearchSpec {
                trials: 0,
                ..good.clone()
            })
            .starts_with("search.trials = 0")
        );
        for epochs in [0.0, -0.1, 1.01, f64::NAN] {
            assert!(
                error(SearchSpec {
                    epochs,
                    ..good.clone()
                })
                .starts_with("search.epochs = "),
                "{epochs}"
            );
        }
        let share = SearchSpec {
            epochs: 0.8,
            ..good
        };
        assert_eq!(
            [200, 30, 3, 1].map(|epochs| share.trial_epochs(epochs)),
            [160, 24, 2, 1]
        );
    }
}
