//! Conditions on the settings of a run.

use std::collections::BTreeMap;

use memdil_records::RunSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The settings of a run by their dotted names, without experiment and seed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings(pub(crate) BTreeMap<String, Value>);

impl Settings {
    pub(crate) fn of(spec: &RunSpec) -> Self {
        let mut settings = BTreeMap::new();
        let json = serde_json::to_value(spec).unwrap_or_default();
        flatten(String::new(), json, &mut settings);
        for key in ["experiment", "seed", "loss.transition"] {
            // The transition matrix of forward correction follows from the noise.
            settings.remove(key);
        }
        Self(settings)
    }

    pub(crate) fn get(&self, key: &str) -> &Value {
        self.0.get(key).unwrap_or(&Value::Null)
    }
}

fn flatten(prefix: String, value: Value, settings: &mut BTreeMap<String, Value>) {
    let Value::Object(table) = value else {
        settings.insert(prefix, value);
        return;
    };
    for (key, value) in table {
        let name = if prefix.is_empty() {
            key
        } else {
            format!("{prefix}.{key}")
        };
        flatten(name, value, settings);
    }
}

/// A setting as text: `0.2`, `0-1`, `mlp`.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join("-"),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

/// Settings that follow from another one where a file leaves them out.
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

/// Conditions by the dotted names of settings; all must hold. An empty table holds for every run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conditions(BTreeMap<String, Condition>);

/// A value, a list of values, or a range with excluded ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
enum Condition {
    Range(Range),
    Value(Value),
}

impl TryFrom<Value> for Condition {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let unusable = |_| {
            "must be a value, a list of values, or { above = x, below = y }; dotted names are quoted".to_owned()
        };
        match value {
            Value::Object(_) => serde_json::from_value(value)
                .map(Self::Range)
                .map_err(unusable),
            value => Ok(Self::Value(value)),
        }
    }
}

impl From<Condition> for Value {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Range(range) => serde_json::to_value(range).unwrap_or_default(),
            Condition::Value(value) => value,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    above: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<f64>,
}

impl Condition {
    fn holds(&self, setting: &Value) -> bool {
        match self {
            Self::Range(Range { above, below }) => setting.as_f64().is_some_and(|value| {
                above.is_none_or(|low| value > low) && below.is_none_or(|high| value < high)
            }),
            Self::Value(value) => {
                self.alternatives().iter().any(|one| equal(one, setting)) || equal(value, setting)
            }
        }
    }

    /// The elements of a list, each of which some run should have.
    fn alternatives(&self) -> &[Value] {
        match self {
            Self::Value(Value::Array(values)) => values,
            _ => &[],
        }
    }
}

/// Numbers are compared by value: `0` is `0.0`.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 0.0,
            _ => a == b,
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

    /// The settings that these conditions decide: with the kind of a loss go its parameters.
    pub(crate) fn decides(&self, key: &str) -> bool {
        self.0.keys().any(|own| {
            own == key
                || DERIVED.contains(&(own.as_str(), key))
                || own
                    .strip_suffix("kind")
                    .is_some_and(|table| table.ends_with('.') && key.starts_with(table))
        })
    }

    /// False where a condition on the data set excludes this one.
    pub(crate) fn is_about_source(&self, source: &str) -> bool {
        let condition = self.0.get("data.source");
        condition.is_none_or(|condition| condition.holds(&Value::String(source.to_owned())))
    }

    /// The conditions as text, by setting.
    pub(crate) fn named(&self) -> BTreeMap<String, String> {
        let text = |condition: &Condition| match condition {
            Condition::Value(Value::Array(values)) => {
                values.iter().map(shown).collect::<Vec<_>>().join("-")
            }
            Condition::Value(value) => shown(value),
            Condition::Range(Range { above, below }) => {
                let low = above.map(|low| format!("above {low}"));
                let high = below.map(|high| format!("below {high}"));
                low.into_iter().chain(high).collect::<Vec<_>>().join(" ")
            }
        };
        self.0
            .iter()
            .map(|(key, condition)| (key.clone(), text(condition)))
            .collect()
    }

    /// Why these conditions hold for none of the runs, if a setting or one of its values is to
    /// blame.
    pub(crate) fn fault(&self, runs: &[&Settings]) -> Option<String> {
        // Runs of other data sets are judged elsewhere.
        let elsewhere = |key: &String| key == "data.source";
        for (key, condition) in self.0.iter().filter(|(key, _)| !elsewhere(key)) {
            if runs.iter().all(|run| !run.0.contains_key(key)) {
                let near: Vec<&str> = known(runs, |name| similar(name, key));
                let known = if near.is_empty() {
                    known(runs, |_| true)
                } else {
                    near
                };
                return Some(format!(
                    "no run has a setting '{key}'; there are {}",
                    known.join(", ")
                ));
            }
            let has = |wanted: &dyn Fn(&Value) -> bool| runs.iter().any(|run| wanted(run.get(key)));
            let levels = || {
                let mut levels: Vec<String> = runs.iter().map(|run| shown(run.get(key))).collect();
                levels.sort();
                levels.dedup();
                levels.join(", ")
            };
            match condition {
                Condition::Value(value) if has(&|setting| equal(value, setting)) => {}
                Condition::Value(Value::Array(values)) => {
                    if let Some(unknown) = values
                        .iter()
                        .find(|one| !has(&|setting| equal(one, setting)))
                    {
                        return Some(format!(
                            "{key} is {} in no run; it is {}",
                            shown(unknown),
                            levels()
                        ));
                    }
                }
                Condition::Value(value) => {
                    return Some(format!(
                        "{key} is {} in no run; it is {}",
                        shown(value),
                        levels()
                    ));
                }
                Condition::Range(_) if has(&|setting| condition.holds(setting)) => {}
                Condition::Range(_) => {
                    return Some(format!(
                        "{key} lies in the range in no run; it is {}",
                        levels()
                    ));
                }
            }
        }
        None
    }
}

fn known<'a>(runs: &[&'a Settings], wanted: impl Fn(&str) -> bool) -> Vec<&'a str> {
    let mut names: Vec<&str> = runs
        .iter()
        .flat_map(|run| run.0.keys().map(String::as_str))
        .filter(|name| wanted(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// In the same table, or of the same last name.
fn similar(a: &str, b: &str) -> bool {
    let split = |name: &str| {
        name.rsplit_once('.')
            .map(|(table, key)| (table.to_owned(), key.to_owned()))
    };
    match (split(a), split(b)) {
        (Some((table_a, key_a)), Some((table_b, key_b))) => table_a == table_b || key_a == key_b,
        _ => false,
    }
}
