//! Metrics as text for a reader.

use std::fmt::Write;

use serde_json::{Map, Value};

/// Groups, and the beginnings of the names that belong to them, in reading order.
const GROUPS: [(&str, &[&str]); 3] = [
    ("collapse", &["nc1", "nc1_ratio", "cdnv", "nc2", "nc3", "nc4", "bias_collapse", "hyperspherical_energy"]),
    ("memorization", &["memorization", "memorized", "corruption"]),
    ("calibration", &["accuracy", "ece", "adaptive_ece", "brier", "nll"]),
];

/// Longer lists are left to `--json`.
const LONGEST: usize = 10;

/// One line a value, in groups; the object `test` is the last one, and what belongs to no group comes first.
pub(super) fn text(metrics: &Value) -> String {
    let empty = Map::new();
    let all = metrics.as_object().unwrap_or(&empty);
    let mut groups: Vec<(&str, Vec<(usize, &String, &Value)>)> =
        ["inputs"].into_iter().chain(GROUPS.map(|(title, _)| title)).map(|title| (title, Vec::new())).collect();
    for (name, value) in all.iter().filter(|(name, _)| !matches!(name.as_str(), "test" | "undefined")) {
        let (group, rank) = place(name);
        groups[group].1.push((rank, name, value));
    }
    let mut text = String::new();
    for (title, mut rows) in groups {
        rows.sort_by_key(|(rank, name, _)| (*rank, *name));
        section(&mut text, title, rows.into_iter().map(|(_, name, value)| (name, value)));
    }
    if let Some(test) = all.get("test").and_then(Value::as_object) {
        section(&mut text, "test", test.iter());
    }
    text
}

/// The group of a metric (0: none of them) and its rank there.
fn place(name: &str) -> (usize, usize) {
    let rank = |starts: &[&str]| {
        let exact = starts.iter().position(|start| *start == name);
        exact.or_else(|| starts.iter().position(|start| name.starts_with(start)))
    };
    let found = GROUPS.iter().enumerate().find_map(|(group, (_, starts))| Some((group + 1, rank(starts)?)));
    found.unwrap_or((0, 0))
}

fn section<'a>(text: &mut String, title: &str, rows: impl Iterator<Item = (&'a String, &'a Value)>) {
    let mut lines = Vec::new();
    for (name, value) in rows {
        flatten(name, value, &mut lines);
    }
    if lines.is_empty() {
        return;
    }
    let gap = if text.is_empty() { "" } else { "\n" };
    let _ = writeln!(text, "{gap}{title}");
    for (name, value) in lines {
        let _ = writeln!(text, "  {name:<28} {value}");
    }
}

/// Names of nested values are joined by dots.
fn flatten(name: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    if let Value::Object(map) = value {
        for (key, value) in map {
            flatten(&format!("{name}.{key}"), value, lines);
        }
        return;
    }
    lines.push((name.to_owned(), shown(value)));
}

fn shown(value: &Value) -> String {
    match value {
        Value::Array(values) if values.len() > LONGEST || values.iter().any(Value::is_array) => {
            format!("({} rows, see --json)", values.len())
        }
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join("  "),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(value) => short(value),
            None => number.to_string(),
        },
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Six significant digits.
fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{value:.5e}");
    }
    let digits = (5 - size.log10().floor() as i32).max(0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn groups_in_order_with_six_digits() {
        let found = text(&json!({
            "ece": 0.125, "nc3": 1e-7, "nc1": 2.0 / 3.0, "nc1_ratio": 12345.678, "classes": 2, "memorization_sum": 0.0,
            "corruption_bias": [[0.0, 1.0], [1.0, 0.0]], "memorization": { "per_class": [1.5, null] },
            "test": { "dilation": 0.25 }, "undefined": { "nc4": "why" },
        }));
        let expected = "\
inputs
  classes                      2

collapse
  nc1                          0.666667
  nc1_ratio                    12345.7
  nc3                          1.00000e-7

memorization
  memorization.per_class       1.50000  -
  memorization_sum             0
  corruption_bias              (2 rows, see --json)

calibration
  ece                          0.125000

test
  dilation                     0.250000
";
        assert_eq!(found, expected);
    }
}
