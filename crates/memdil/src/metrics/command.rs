//! Runs the command: loads the arrays, measures them and prints the metrics.

use std::process::ExitCode;

use memdil_metrics::Metrics;
use memdil_records::{undefined_by_reason, write_archive};
use serde::Serialize;

use super::arguments::Arguments;
use super::classes::{classes_text, rankings_text};
use super::inputs::Loaded;
use super::measure::Request;
use super::samples::Rankings;
use super::table;
use crate::arguments::{check_not_input, check_npz};
use crate::failure::Failure;

/// The JSON object that is printed.
#[derive(Serialize)]
struct Printed {
    #[serde(flatten)]
    metrics: Metrics,
    #[serde(skip_serializing_if = "Option::is_none")]
    ranking: Option<Rankings>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(out) = &arguments.samples {
        check_npz("--samples", out)?;
        check_not_input("--samples", out, &arguments.files())?;
    }
    let inputs = Loaded::new(arguments)?;
    let found = inputs.measure(Request {
        classes: arguments.classes,
        per_class: arguments.per_class,
        samples: arguments.samples.is_some(),
    })?;
    let mut printed = Printed {
        metrics: found.metrics,
        ranking: None,
    };
    if let (Some(out), Some(samples)) = (&arguments.samples, found.samples) {
        write_archive(out, |w| samples.write_npz(w))?;
        let rankings = samples.rankings();
        printed.ranking = rankings.map_err(|error| Failure::inside(error.to_string()))?;
        if !samples.undefined.is_empty() {
            let undefined = printed.metrics.undefined.get_or_insert_default();
            undefined.extend(samples.undefined);
        }
    }
    for note in &inputs.notes {
        eprintln!("note: {note}");
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&printed)?);
        return Ok(ExitCode::SUCCESS);
    }
    let Printed { metrics, ranking } = printed;
    print!("{}", table::text(&serde_json::to_value(&metrics)?));
    print!(
        "{}",
        metrics
            .per_class
            .as_ref()
            .map_or_else(String::new, classes_text)
    );
    print!("{}", rankings_text(&serde_json::to_value(&ranking)?));
    for line in undefined_by_reason(&metrics.undefined.unwrap_or_default()) {
        eprintln!("note: {line}");
    }
    Ok(ExitCode::SUCCESS)
}
