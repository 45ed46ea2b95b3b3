//! Medians over turns, and the table of times.

use std::process::Command;

use crate::failure::Failure;
use crate::json::number;

/// Sets the number of threads for every library that a program may use.
pub(super) fn with_threads<'a>(command: &'a mut Command, count: &str) -> &'a mut Command {
    for name in [
        "RAYON_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
    ] {
        command.env(name, count);
    }
    command
}

/// The median of the value of a key over flat JSON objects.
pub(super) fn median(objects: &[String], key: &str) -> Result<f64, Failure> {
    let values: Option<Vec<f64>> = objects.iter().map(|object| number(object, key)).collect();
    let mut values = values
        .ok_or_else(|| Failure::internal(format!("no number {key} in {}", objects.join(" "))))?;
    values.sort_by(f64::total_cmp);
    Ok(values[values.len() / 2])
}

pub(super) fn time(ms: f64) -> String {
    if ms < 100.0 {
        format!("{ms:.2}")
    } else {
        format!("{ms:.0}")
    }
}

/// A Markdown table with aligned columns.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].len())
            .max()
            .unwrap_or(0)
            .max(3)
    };
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let padded = |row: &Vec<String>| {
        line(
            row.iter()
                .enumerate()
                .map(|(i, cell)| format!("{cell:>w$}", w = width(i)))
                .collect(),
        )
    };
    let rule = line(
        (0..rows[0].len())
            .map(|column| format!("{}:", "-".repeat(width(column) - 1)))
            .collect(),
    );
    let mut lines: Vec<String> = rows.iter().map(padded).collect();
    lines.insert(1, rule);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_taken_over_json_objects() {
        let objects = [
            r#"{"ms": 3.5, "nc1": 1e-7}"#,
            r#"{"nc1": 2, "ms": 1}"#,
            r#"{"ms": 2,"nc1":3}"#,
        ]
        .map(str::to_owned);
        assert!(median(&objects, "ms").is_ok_and(|found| (found - 2.0).abs() < 1e-15));
        assert!(median(&objects, "nc1").is_ok_and(|found| (found - 2.0).abs() < 1e-15));
        assert!(median(&[r#"{"extra_mib": null}"#.to_owned()], "extra_mib").is_err());
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [
            vec!["size".to_owned(), "x".to_owned()],
            vec!["7".to_owned(), "1.25".to_owned()],
        ];
        assert_eq!(
            table(&rows),
            "| size |    x |\n| ---: | ---: |\n|    7 | 1.25 |"
        );
    }
}
