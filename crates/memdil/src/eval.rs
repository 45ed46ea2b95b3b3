//! `memdil eval`

use std::path::PathBuf;
use std::process::ExitCode;

use memdil_records::{undefined_by_reason, write_archive};
use memdil_runner::evaluate_run;

use crate::arguments::{Machine, check_npz};
use crate::failure::Failure;
use crate::metrics::table;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    memdil eval --run runs/one --json\n  \
    memdil eval --run runs/one --features-out features.npz\n\n\
    If the run is not finished, the network of its newest checkpoint is measured.")]
pub(crate) struct Arguments {
    /// Folder of the run
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// Write the features, logits and labels of the training and test sets, and the classifier
    #[arg(long, value_name = "F.npz")]
    features_out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    machine: Machine,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(out) = &arguments.features_out {
        check_npz("--features-out", out)?;
    }
    let options = arguments.machine.options();
    let evaluated = evaluate_run(&arguments.run, &options, |path, reason| {
        eprintln!("warning: {}: checkpoint not used: {reason}", path.display());
    })?;
    if let Some(out) = &arguments.features_out {
        write_archive(out, |w| evaluated.snapshot.write_npz(w))?;
    }
    let record = &evaluated.record;
    if !evaluated.finished {
        let at = evaluated
            .within_epoch
            .map(|(done, all)| format!(", {done} of {all} samples"));
        eprintln!(
            "note: the run is not finished: epoch {}{}",
            record.epoch,
            at.unwrap_or_default()
        );
    }
    if arguments.json {
        println!("{}", serde_json::to_string(record)?);
        return Ok(ExitCode::SUCCESS);
    }
    print!("{}", table::text(&serde_json::to_value(record)?));
    for line in undefined_by_reason(&record.undefined) {
        eprintln!("note: {line}");
    }
    Ok(ExitCode::SUCCESS)
}
