//! Metrics of each class, and rankings of samples, as text tables.

use memdil_metrics::{ClassMetrics, PerClass};
use serde_json::Value;

use super::table::{LONGEST, grid, short};

/// The name of a column, and its value for a class.
type Column = (&'static str, fn(&ClassMetrics) -> Option<String>);

/// The metrics of each class, the worst class, and the angles between class means.
pub(super) fn classes_text(found: &PerClass) -> String {
    let columns: [Column; 9] = [
        ("class", |of| Some(of.class.to_string())),
        ("samples", |of| Some(of.samples.to_string())),
        ("variance", |of| Some(short(of.variance))),
        ("mean_norm", |of| Some(short(of.mean_norm))),
        ("nearest_mean", |of| of.nearest_mean.map(short)),
        ("classifier_alignment", |of| {
            of.classifier_alignment.map(short)
        }),
        ("corrupted", |of| {
            of.corrupted.map(|count| count.to_string())
        }),
        ("memorization_sum", |of| of.memorization_sum.map(short)),
        ("memorization_mean", |of| of.memorization_mean.map(short)),
    ];
    // A column without any value is omitted.
    let (names, columns): (Vec<&str>, Vec<Vec<Option<String>>>) = columns
        .into_iter()
        .map(|(name, value)| (name, found.classes.iter().map(value).collect::<Vec<_>>()))
        .filter(|(_, values)| values.iter().any(Option::is_some))
        .unzip();
    let row = |class: usize| {
        columns
            .iter()
            .map(|column| cell(column[class].clone()))
            .collect()
    };
    let mut text = grid(
        "per class",
        &names,
        (0..found.classes.len()).map(row).collect(),
    );
    if let Some(worst) = found.worst {
        text += &format!("  worst class: {worst}\n");
    }
    if let Some(angles) = &found.angles {
        text += &angles_text(angles);
    }
    text
}

fn angles_text(angles: &[Vec<Option<f64>>]) -> String {
    let title = "angles between class means (degrees)";
    if angles.len() > LONGEST {
        return format!("\n{title}\n  ({} rows, see --json)\n", angles.len());
    }
    let numbers: Vec<String> = (0..angles.len()).map(|class| class.to_string()).collect();
    let names = std::iter::once("class").chain(numbers.iter().map(String::as_str));
    let row = |(number, row): (&String, &Vec<Option<f64>>)| {
        let degrees = |angle: &Option<f64>| cell(angle.map(|angle| format!("{angle:.1}")));
        std::iter::once(number.clone())
            .chain(row.iter().map(degrees))
            .collect()
    };
    let rows = numbers.iter().zip(angles).map(row).collect();
    grid(title, &names.collect::<Vec<_>>(), rows)
}

/// How well each score finds corrupted samples, from an object with an entry per score.
pub(crate) fn rankings_text(rankings: &Value) -> String {
    let Some(scores) = rankings.as_object().filter(|scores| !scores.is_empty()) else {
        return String::new();
    };
    let names = ["auroc", "average_precision"];
    let row = |(score, values): (&String, &Value)| {
        let value = |name| cell(values[name].as_f64().map(short));
        std::iter::once(score.clone())
            .chain(names.map(value))
            .collect()
    };
    grid(
        "ranking of corrupted samples",
        &["score", names[0], names[1]],
        scores.iter().map(row).collect(),
    )
}

fn cell(value: Option<String>) -> String {
    value.unwrap_or_else(|| "-".to_owned())
}
