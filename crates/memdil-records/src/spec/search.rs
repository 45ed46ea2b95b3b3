//! A hyper-parameter search: what is tried.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::RecordError;
use crate::range::{at_least_one, check, positive_share};

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
#[serde(untagged)]
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
    Values {
        /// The values.
        values: Vec<Value>,
    },
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
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    low: Option<f64>,
    high: Option<f64>,
    scale: Option<SearchScale>,
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
            } => Ok(Self::Values { values }),
            _ => Err(D::Error::custom(format!("must be {SHAPES}"))),
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
        at_least_one("search.trials", self.trials)?;
        positive_share("search.epochs", self.epochs)?;
        let range = "at least one setting with its range";
        check(!self.space.is_empty(), "search.space", "{}", range)?;
        for (name, range) in &self.space {
            self.validate_setting(name, range)
                .map_err(|reason| RecordError::Space {
                    name: name.clone(),
                    reason,
                })?;
        }
        Ok(())
    }

    /// What is wrong with a setting of the space.
    fn validate_setting(&self, name: &str, range: &SearchRange) -> Result<(), String> {
        if OWN.contains(&name) {
            return Err("is no setting to search over: the search decides it".to_owned());
        }
        let contains = |table: &&String| {
            name.strip_prefix(table.as_str())
                .is_some_and(|rest| rest.starts_with('.'))
        };
        if let Some(whole) = self.space.keys().find(contains) {
            return Err(format!(
                "is a part of '{whole}', which is searched over too"
            ));
        }
        range.validate()
    }
}

impl SearchRange {
    fn validate(&self) -> Result<(), String> {
        let fault = match self {
            Self::Interval { low, high, scale } => {
                if !(low.is_finite() && high.is_finite() && (high - low).is_finite()) {
                    format!("low = {low}, high = {high}: must be finite")
                } else if low >= high {
                    format!("low = {low} must be below high = {high}")
                } else if *scale == SearchScale::Log && *low <= 0.0 {
                    format!("low = {low} must be positive on a logarithmic scale")
                } else {
                    return Ok(());
                }
            }
            Self::Values { values } => {
                let mut numbered = values.iter().enumerate();
                if values.is_empty() {
                    "values = []: must hold at least one value".to_owned()
                } else if values.iter().any(Value::is_null) {
                    "values must be finite".to_owned()
                } else if let Some((_, twice)) = numbered.find(|(i, v)| values[..*i].contains(v)) {
                    format!("values hold {twice} twice")
                } else {
                    return Ok(());
                }
            }
        };
        Err(fault)
    }
}

#[cfg(test)]
mod tests;
