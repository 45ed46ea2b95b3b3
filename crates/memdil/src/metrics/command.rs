//! Runs the command: loads the arrays, measures them and prints the metrics.

use std::process::ExitCode;

use memdil_records::undefined_by_reason;

use super::arguments::Arguments;
use super::inputs::Loaded;
use super::table;
use crate::failure::Failure;

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let inputs = Loaded::new(arguments)?;
    let metrics = inputs.measure(arguments.classes)?;
    for note in &inputs.notes {
        eprintln!("note: {note}");
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&metrics)?);
        return Ok(ExitCode::SUCCESS);
    }
    print!("{}", table::text(&serde_json::to_value(&metrics)?));
    for line in undefined_by_reason(&metrics.undefined.unwrap_or_default()) {
        eprintln!("note: {line}");
    }
    Ok(ExitCode::SUCCESS)
}
