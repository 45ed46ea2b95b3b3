//! Metrics as a text table.

use std::fmt::Write;

use serde_json::{Map, Value};

/// Groups and the prefixes of the names that belong to them, in printed order.
const GROUPS: [(&str, &[&str]); 6] = [
    (
        "training",
        &["epoch", "learning_rate", "loss", "gradient", "seconds"],
    ),
    ("inputs", &["samples", "dim", "classes"]),
    (
        "collapse",
        &[
            "nc1",
            "nc1_ratio",
            "cdnv",
            "nc2",
            "nc3",
            "nc4",
            "bias_collapse",
            "hyperspherical_energy",
        ],
    ),
    (
        "memorization",
        &["memorization", "memorized", "corruption", "separation"],
    ),
    ("across layers", &["layers_"]),
    (
        "calibration",
        &[
            "accuracy",
            "validation_accuracy",
            "ece",
            "adaptive_ece",
            "brier",
            "nll",
        ],
    ),
];

/// The prefixes of the names in the object of the test set, in printed order.
const TEST: &[&str] = &[
    "samples",
    "dilation",
    "rho",
    "rho_nc1",
    "radius",
    "separation",
    "nc1_ratio",
    "cdnv",
    "memorization",
    "accuracy",
    "ece",
    "adaptive_ece",
    "brier",
    "nll",
    "loss",
];

/// Longer lists are printed only with `--json`.
pub(super) const LONGEST: usize = 10;

/// One line per value, in groups; values without a group are listed under `other`. The metrics of
/// each class are not included.
pub(crate) fn text(metrics: &Value) -> String {
    let empty = Map::new();
    let mut left: Vec<(&str, &Value)> = metrics
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    left.retain(|(name, _)| {
        !matches!(
            *name,
            "test" | "undefined" | "layers" | "per_class" | "ranking"
        )
    });
    let mut text = String::new();
    for (title, starts) in GROUPS {
        let rows = left.extract_if(.., |(name, _)| rank(name, starts) < starts.len());
        section(&mut text, title, rows.collect(), starts);
    }
    section(&mut text, "other", left, &[]);
    if let Some(test) = metrics.get("test").and_then(Value::as_object) {
        section(
            &mut text,
            "test",
            test.iter()
                .map(|(name, value)| (name.as_str(), value))
                .collect(),
            TEST,
        );
    }
    text
}

/// The rank of a name: the position of the equal entry, otherwise that of the first entry that is a
/// prefix, otherwise the number of entries.
fn rank(name: &str, starts: &[&str]) -> usize {
    let exact = starts.iter().position(|start| *start == name);
    exact
        .or_else(|| starts.iter().position(|start| name.starts_with(start)))
        .unwrap_or(starts.len())
}

/// A table with right-aligned columns.
pub(super) fn grid(title: &str, names: &[&str], rows: Vec<Vec<String>>) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.fold(names[column].len(), usize::max)
    };
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths);
        let padded = cells.map(|(cell, width)| format!("  {cell:>width$}"));
        padded.collect::<String>() + "\n"
    };
    let rows = rows
        .iter()
        .map(|row| line(row.iter().map(String::as_str).collect()));
    format!(
        "\n{title}\n{}{}",
        line(names.to_vec()),
        rows.collect::<String>()
    )
}

fn section(text: &mut String, title: &str, mut rows: Vec<(&str, &Value)>, starts: &[&str]) {
    if rows.is_empty() {
        return;
    }
    rows.sort_by_key(|(name, _)| rank(name, starts));
    let gap = if text.is_empty() { "" } else { "\n" };
    let _ = writeln!(text, "{gap}{title}");
    for (name, value) in rows {
        let _ = writeln!(text, "  {name:<28} {}", shown(value));
    }
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
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Formats a value with six significant digits.
pub(crate) fn short(value: f64) -> String {
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
    fn columns_are_aligned_on_the_right() {
        let rows = vec![vec!["0".to_owned(), "12345".to_owned()]];
        assert_eq!(
            grid("title", &["class", "a"], rows),
            "\ntitle\n  class      a\n      0  12345\n"
        );
    }

    #[test]
    fn groups_in_order_with_six_digits() {
        let found = text(&json!({
            "ece": 0.125, "nc3": 1e-7, "nc1": 2.0 / 3.0, "nc1_ratio": 12345.678, "classes": 2, "memorization_sum": 0.0,
            "corruption_bias": [[0.0, 1.0], [1.0, 0.0]], "memorization_per_class": [1.5, 0.0], "news": 3,
            "test": { "cdnv": 1, "dilation": 0.25, "samples": 8 }, "undefined": { "nc4": "why" },
        }));
        let expected = "\
inputs
  classes                      2

collapse
  nc1                          0.666667
  nc1_ratio                    12345.7
  nc3                          1.00000e-7

memorization
  memorization_per_class       1.50000  0
  memorization_sum             0
  corruption_bias              (2 rows, see --json)

calibration
  ece                          0.125000

other
  news                         3

test
  samples                      8
  dilation                     0.250000
  cdnv                         1
";
        assert_eq!(found, expected);
    }
}
