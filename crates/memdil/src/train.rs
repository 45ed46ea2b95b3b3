//! `memdil train`

use std::path::PathBuf;
use std::process::ExitCode;

use memdil_records::{RunRecord, Status};
use memdil_runner::{Outcome, train};

use crate::arguments::{Running, Settings, check_folder};
use crate::failure::Failure;
use crate::progress;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    memdil train --config experiments/memorization-dilation.toml --set noise.eta=0.4 --out runs/one\n\n\
    An interrupted run resumes from its newest checkpoint when the command is repeated with the same settings.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Folder of the run
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    running: Running,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    check_folder("--out", &arguments.out)?;
    let experiment = arguments.settings.load()?;
    let spec = experiment.run(&arguments.running.machine.data.data_dirs)?;
    let bar = progress::epochs(spec.training.epochs);
    let options = arguments.running.options();
    let outcome = train(&spec, &arguments.out, &options, |event| {
        progress::training(&bar, &event)
    });
    bar.finish_and_clear();
    let outcome = outcome?;
    let note = match &outcome {
        Outcome::Ran(_) => "",
        Outcome::AlreadyComplete(_) => " (already complete)",
    };
    let record = outcome.record();
    println!("{}{note}", summary(record));
    if let Some(reason) = &record.reason {
        eprintln!("error: the run diverged: {reason}; try a lower optimizer.learning_rate");
    }
    println!("run: {}", arguments.out.display());
    if experiment.is_sweep() {
        eprintln!("note: the table [sweep] is ignored; use memdil sweep for it");
    }
    if experiment.is_search() {
        eprintln!("note: the table [search] is ignored; use memdil search for it");
    }
    Ok(if record.status == Status::Completed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Describes the run in one line.
fn summary(record: &RunRecord) -> String {
    if let Some(reason) = &record.reason {
        return format!("{}: diverged, {reason}", record.id);
    }
    let Some(last) = &record.last else {
        return format!("{}: no epochs", record.id);
    };
    let mut text = format!(
        "{}: {} epochs in {:.1} s, loss {:.4}",
        record.id, last.epoch, record.seconds, last.loss
    );
    if let Some(test) = &last.test {
        text += &format!(", test accuracy {:.2} %", 100.0 * test.accuracy);
        for (name, value) in [("dilation", test.dilation), ("rho", test.rho)] {
            text += &value
                .map(|v| format!(", {name} {v:.4}"))
                .unwrap_or_default();
        }
    }
    text + &last
        .memorized_as_given
        .map(|v| format!(", memorised {v:.2}"))
        .unwrap_or_default()
}
