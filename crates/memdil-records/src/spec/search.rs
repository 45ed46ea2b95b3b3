//! The specification of a hyper-parameter search.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::RecordError;
use crate::range::{at_least_one, check, positive_share};

/// A hyper-parameter search: the table `[search]` of an experiment file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchSpec {
    /// The sampler of the values of a trial.
    pub sampler: Sampler,
    /// Number of trials, at least one.
    pub trials: usize,
    /// Length of a trial as a share of the epochs of a run, in `(0, 1]`.
    pub epochs: f64,
    /// The range of each setting, by its dotted name.
    pub space: BTreeMap<String, SearchRange>,
}

/// The method by which the values of a trial are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Random search: drawn from the space, independent of other trials (Bergstra and Bengio 2012).
    Random,
    /// Tree-structured Parzen estimator (Bergstra et al. 2011): each setting is drawn
    /// independently, from regions with a higher density of good trials than of bad trials.
    Tpe,
}

impl Sampler {
    /// The name of the sampler in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Tpe => "tpe",
        }
    }
}

/// The range of a setting.
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
        /// The scale on which values are uniformly distributed.
        scale: SearchScale,
    },
    /// A list of equally likely values.
    Values {
        /// The values.
        values: Vec<Value>,
    },
}

/// The scale on which values are uniformly distributed in an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchScale {
    /// The value is uniform.
    #[default]
    Linear,
    /// The logarithm of the value is uniform.
    Log,
}

/// The keys of a [`SearchRange`] in a configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeTable {
    low: Option<f64>,
    high: Option<f64>,
    scale: Option<SearchScale>,
    values: Option<Vec<Value>>,
}

/// The two forms of a range, for error messages.
const SHAPES: &str =
    "{ low = .., high = .. }, optionally with scale = \"log\", or { values = [..] }";

/// Accepts only a table. The derived implementation would also accept a list, as the fields in
/// their order.
impl<'de> Deserialize<'de> for SearchRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;
        impl<'de> Visitor<'de> for Table {
            type Value = RangeTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(SHAPES)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RangeTable, A::Error> {
                RangeTable::deserialize(MapAccessDeserializer::new(map))
            }
        }
        match deserializer.deserialize_map(Table)? {
            RangeTable {
                low: Some(low),
                high: Some(high),
                scale,
                values: None,
            } => Ok(Self::Interval {
                low,
                high,
                scale: scale.unwrap_or_default(),
            }),
            RangeTable {
                low: None,
                high: None,
                scale: None,
                values: Some(values),
            } => Ok(Self::Values { values }),
            _ => Err(D::Error::custom(format!("must be {SHAPES}"))),
        }
    }
}

/// The settings that a search sets itself. The seed determines its random numbers; trials hold out
/// data and are shorter, and the retrained run does neither.
const RESERVED: [&str; 4] = ["experiment", "seed", "data.validation", "training.epochs"];

impl SearchSpec {
    /// The number of epochs of a trial if a complete run has `epochs`: the rounded share, at least
    /// one.
    pub fn trial_epochs(&self, epochs: usize) -> usize {
        ((self.epochs * epochs as f64).round() as usize).clamp(1, epochs.max(1))
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`RecordError::OutOfRange`] or [`RecordError::Space`], which name the first setting out of
    /// its range.
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

    /// Checks a setting of the space; the error is the reason without the name.
    fn validate_setting(&self, name: &str, range: &SearchRange) -> Result<(), String> {
        if RESERVED.contains(&name) {
            return Err("cannot be searched over: the search sets it itself".to_owned());
        }
        let contains = |table: &&String| {
            name.strip_prefix(table.as_str())
                .is_some_and(|rest| rest.starts_with('.'))
        };
        if let Some(whole) = self.space.keys().find(contains) {
            return Err(format!(
                "is a part of '{whole}', which is searched over too; remove one of them"
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
                    "values = []: must contain at least one value".to_owned()
                } else if values.iter().any(Value::is_null) {
                    "values must be finite".to_owned()
                } else if let Some((_, twice)) = numbered.find(|(i, v)| values[..*i].contains(v)) {
                    format!("values contains {twice} twice")
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
