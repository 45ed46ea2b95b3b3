//! The settings of a run by their dotted names.

use std::collections::BTreeMap;

use memdil_records::RunSpec;
use serde_json::Value;

/// The settings of a run by their dotted names, without the experiment and the seed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings(pub(crate) BTreeMap<String, Value>);

impl Settings {
    pub(crate) fn of(spec: &RunSpec) -> Self {
        let mut settings = BTreeMap::new();
        let json = serde_json::to_value(spec).unwrap_or_default();
        flatten(String::new(), json, &mut settings);
        for key in ["experiment", "seed", "loss.transition"] {
            // Forward correction derives its transition matrix from the noise.
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

/// The last part of a dotted name: `width` of `model.width`.
pub(crate) fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
