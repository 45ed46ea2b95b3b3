//! `memdil train`

use std::path::PathBuf;
use std::process::ExitCode;

use memdil_records::{RunRecord, Status};
use memdil_runner::{Experiment, Outcome, TrainOptions, train};

use crate::progress;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    memdil train --config experiments/memorization-dilation.toml --set noise.eta=0.4 --out runs/one")]
pub(crate) struct Arguments {
    /// Experiment file (TOML)
    #[arg(long, value_name = "F.toml")]
    config: PathBuf,
    /// Preset of the file to apply
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Change a setting, by its dotted name; can be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the run
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// cpu or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Folder of the data sets (default: $MEMDIL_DATA_DIR, ./data, Debian's place)
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let experiment = Experiment::load(&arguments.config, arguments.preset.as_deref(), &arguments.set)?;
    let spec = experiment.run()?;
    if experiment.is_sweep() {
        eprintln!("note: one run, as the settings say; the lists under [sweep] are for memdil sweep plan");
    }
    let options = TrainOptions { device: arguments.device.clone(), data_dir: arguments.data_dir.clone() };
    let bar = progress::epochs(spec.training.epochs);
    let outcome = train(&spec, &arguments.out, &options, |record| progress::epoch(&bar, record));
    bar.finish_and_clear();
    let outcome = outcome?;
    let note = match &outcome {
        Outcome::Ran(_) => "",
        Outcome::AlreadyComplete(_) => " (was complete already, nothing done)",
    };
    let record = outcome.record();
    println!("{}{note}", summary(record));
    println!("run: {}", arguments.out.display());
    Ok(if record.status == Status::Completed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The run in one line.
fn summary(record: &RunRecord) -> String {
    if let Some(reason) = &record.reason {
        return format!("{}: diverged, {reason}", record.id);
    }
    let Some(last) = &record.last else { return format!("{}: no epoch", record.id) };
    let mut text = format!("{}: {} epochs in {:.1} s, loss {:.4}", record.id, last.epoch, record.seconds, last.loss);
    if let Some(test) = &last.test {
        text += &format!(", test accuracy {:.2} %", 100.0 * test.accuracy);
        for (name, value) in [("dilation", test.dilation), ("rho", test.rho)] {
            text += &value.map(|v| format!(", {name} {v:.4}")).unwrap_or_default();
        }
    }
    text + &last.memorized_as_given.map(|v| format!(", memorised {v:.2}")).unwrap_or_default()
}
