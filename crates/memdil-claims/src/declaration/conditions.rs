//! Conditions on the settings of a run.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::settings::{Settings, shown};

/// Pairs of a setting and a second setting that defaults to a value derived from the first.
const DERIVED: [(&str, &str); 3] = [
    ("data.classes", "model.features"),
    (
        "optimizer.weight_decay",
        "optimizer.classifier_weight_decay",
    ),
    (
        "optimizer.decoupled_weight_decay",
        "optimizer.decoupled_classifier_weight_decay",
    ),
];

/// Conditions by the dotted names of settings. All must hold; an empty table holds for every run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Conditions(BTreeMap<String, Allowed>);

/// A value, a list of values, or an open range.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
enum Allowed {
    Range(Range),
    Value(Value),
}

impl TryFrom<Value> for Allowed {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        const SHAPES: &str =
            "must be a value, a list of values, or { above = x, below = y }; quote dotted names";
        if !value.is_object() {
            return Ok(Self::Value(value));
        }
        let range = serde_json::from_value(value);
        range.map(Self::Range).map_err(|_| SHAPES.to_owned())
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    above: Option<f64>,
    below: Option<f64>,
}

impl Allowed {
    fn holds(&self, setting: &Value) -> bool {
        match self {
            Self::Range(Range { above, below }) => setting.as_f64().is_some_and(|value| {
                above.is_none_or(|low| value > low) && below.is_none_or(|high| value < high)
            }),
            Self::Value(Value::Array(values)) if values.iter().any(|one| equal(one, setting)) => {
                true
            }
            Self::Value(value) => equal(value, setting),
        }
    }
}

/// Numbers are compared by value: `0` equals `0.0`.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        _ => match a.as_f64().zip(b.as_f64()) {
            Some((a, b)) => (a - b).abs() <= 0.0,
            None => a == b,
        },
    }
}

impl Conditions {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn hold(&self, settings: &Settings) -> bool {
        self.0
            .iter()
            .all(|(key, condition)| condition.holds(settings.get(key)))
    }

    /// True if these conditions determine the setting `key`. A condition on `loss.kind` also
    /// determines the parameters of the loss.
    pub(crate) fn decides(&self, key: &str) -> bool {
        self.0.keys().any(|own| {
            own == key
                || DERIVED.contains(&(own.as_str(), key))
                || own
                    .strip_suffix("kind")
                    .is_some_and(|table| table.ends_with('.') && key.starts_with(table))
        })
    }

    /// False if a condition on the data set excludes this data set.
    pub(crate) fn is_about_source(&self, source: &str) -> bool {
        let condition = self.0.get("data.source");
        condition.is_none_or(|condition| condition.holds(&Value::String(source.to_owned())))
    }

    /// The conditions as text, by setting.
    pub(crate) fn named(&self) -> BTreeMap<String, String> {
        let named = |(key, allowed): (&String, &Allowed)| (key.clone(), allowed.shown());
        self.0.iter().map(named).collect()
    }

    /// A message if a condition names a setting, or a value of a setting, that does not occur in
    /// the runs.
    pub(crate) fn fault(&self, runs: &[Settings]) -> Option<String> {
        // The runs of other data sets belong to other families.
        let mut judged = self.0.iter().filter(|(key, _)| *key != "data.source");
        judged.find_map(|(key, allowed)| {
            if runs.iter().any(|run| run.0.contains_key(key)) {
                allowed.fault(key, runs)
            } else {
                let known = similar_settings(runs, key).join(", ");
                Some(format!("no run has a setting '{key}'; known: {known}"))
            }
        })
    }
}

impl Allowed {
    fn shown(&self) -> String {
        match self {
            Self::Value(value) => shown(value),
            Self::Range(Range { above, below }) => {
                let low = above.map(|low| format!("above {low}"));
                let high = below.map(|high| format!("below {high}"));
                low.into_iter().chain(high).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// A message if a required value, or the whole range, does not occur in the runs.
    fn fault(&self, key: &str, runs: &[Settings]) -> Option<String> {
        let missing = |value: &Value| !runs.iter().any(|run| equal(value, run.get(key)));
        let fault = match self {
            Self::Value(value) if !missing(value) => return None,
            Self::Value(Value::Array(values)) => {
                let unknown = values.iter().find(|one| missing(one))?;
                format!("= {}", shown(unknown))
            }
            Self::Value(value) => format!("= {}", shown(value)),
            Self::Range(_) if runs.iter().any(|run| self.holds(run.get(key))) => return None,
            Self::Range(_) => "in this range".to_owned(),
        };
        let levels: BTreeSet<String> = runs.iter().map(|run| shown(run.get(key))).collect();
        let levels: Vec<String> = levels.into_iter().collect();
        Some(format!(
            "no run has {key} {fault}; planned: {}",
            levels.join(", ")
        ))
    }
}

/// The settings of the runs that are similar to `key`, or all settings if none is similar.
fn similar_settings<'a>(runs: &'a [Settings], key: &str) -> Vec<&'a str> {
    let names: BTreeSet<&str> = runs
        .iter()
        .flat_map(|run| run.0.keys().map(String::as_str))
        .collect();
    let near: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| similar(name, key))
        .collect();
    if near.is_empty() {
        return names.into_iter().collect();
    }
    near
}

/// True for two keys of the same table, and for equal last names.
fn similar(a: &str, b: &str) -> bool {
    match (a.rsplit_once('.'), b.rsplit_once('.')) {
        (Some((table_a, key_a)), Some((table_b, key_b))) => table_a == table_b || key_a == key_b,
        _ => false,
    }
}
