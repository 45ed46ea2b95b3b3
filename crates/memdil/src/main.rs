//! The `memdil` program: arguments in, one call into a crate, text or JSON out.
//!
//! Exit status: 0 on success, 2 on bad usage or bad input (one line says what, where and what to
//! do), 1 when something fails inside.

mod arguments;
mod claims;
mod data;
mod dry_run;
mod eval;
mod failure;
mod layer_peeled;
mod metrics;
mod noise;
mod progress;
mod report;
mod reproduce;
mod search;
mod selftest;
mod sweep;
mod theory;
mod train;
mod transition;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Neural collapse under label noise: train, measure, report
#[derive(Parser)]
#[command(name = "memdil", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The published data sets: where they are, downloading and checking them
    #[command(subcommand)]
    Data(data::Command),
    /// Corrupt labels and keep track of it
    Noise(noise::Arguments),
    /// Train one network and leave a run folder behind
    Train(train::Arguments),
    /// Measure the network of a run again, finished or not
    Eval(eval::Arguments),
    /// Plan many runs and work through them
    #[command(subcommand)]
    Sweep(sweep::Command),
    /// Try hyper-parameters in short runs, then train the best on all training data
    Search(search::Arguments),
    /// Train free features by gradient descent, to compare with the layer-peeled model's closed
    /// form
    LayerPeeled(layer_peeled::Arguments),
    /// Measure features of any model: collapse, memorization, dilation, calibration
    Metrics(metrics::Arguments),
    /// Estimate the transition matrix of label noise, for forward correction
    Transition(transition::Arguments),
    /// The two models of the paper, solved
    #[command(subcommand)]
    Theory(theory::Command),
    /// Claims, figures and tables of finished runs as one HTML page
    Report(report::Arguments),
    /// Run the paper's experiments and write the report
    Reproduce(Box<reproduce::Arguments>),
    /// Whether a device computes what it should, and how fast
    Selftest(selftest::Arguments),
    #[command(hide = true)]
    Calibrate(dry_run::Arguments),
}

fn main() -> ExitCode {
    end_where_nobody_reads();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let result = match arguments.command {
        Command::Data(command) => data::run(&command),
        Command::Noise(arguments) => noise::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Sweep(command) => sweep::run(&command),
        Command::Search(arguments) => search::run(&arguments),
        Command::LayerPeeled(arguments) => layer_peeled::run(&arguments),
        Command::Metrics(arguments) => metrics::run(&arguments),
        Command::Transition(arguments) => transition::run(&arguments),
        Command::Theory(command) => theory::run(&command),
        Command::Report(arguments) => report::run(&arguments),
        Command::Reproduce(arguments) => reproduce::run(&arguments),
        Command::Selftest(arguments) => selftest::run(&arguments),
        Command::Calibrate(arguments) => dry_run::run(&arguments),
    };
    result.unwrap_or_else(|failure| failure.print())
}

/// Printing into a pipe that was closed (`| head`) is no fault of this program: it ends, with the
/// status of such an end.
fn end_where_nobody_reads() {
    let otherwise = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if message.starts_with("failed printing to stdout") && message.contains("Broken pipe") {
            std::process::exit(141);
        }
        otherwise(panic);
    }));
}

/// Help and version as they are; a usage error as one line.
fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::{
        DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion,
    };
    if let DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand = error.kind() {
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
    }
    let text = error.to_string();
    let message: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    eprintln!("{}; see --help", message.join(" "));
    ExitCode::from(2)
}
