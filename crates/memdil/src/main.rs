//! The `memdil` program: parses arguments, calls the library crates, and prints text or JSON.
//!
//! Exit status: 0 on success, 2 on bad usage or bad input (reported in one line with the location
//! and the remedy), 1 on any other failure.

mod arguments;
mod claims;
mod data;
mod dry_run;
mod eval;
mod failure;
mod labelled_images;
mod layer_peeled;
mod layers;
mod metrics;
mod noise;
mod progress;
mod report;
mod reproduce;
mod samples;
mod search;
mod selftest;
mod sweep;
mod theory;
mod train;
mod transition;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use memdil_runner::keep_freed_memory;

/// Neural collapse under label noise: train, measure, report
#[derive(Parser)]
#[command(name = "memdil", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List, download, verify and subset the published data sets
    #[command(subcommand)]
    Data(data::Command),
    /// Corrupt labels and record which ones changed
    Noise(noise::Arguments),
    /// Train one network and write its run folder
    Train(train::Arguments),
    /// Measure the network of a run again, finished or not
    Eval(eval::Arguments),
    /// List the training samples of a run whose labels are most likely to be wrong
    Samples(samples::Arguments),
    /// Plan the runs of a sweep, execute them, and show their progress
    #[command(subcommand)]
    Sweep(sweep::Command),
    /// Try hyper-parameters in short runs, then train the best on all training data
    Search(search::Arguments),
    /// Train free features by gradient descent, to compare them with the closed form of the
    /// layer-peeled model
    LayerPeeled(layer_peeled::Arguments),
    /// Measure features of any model: collapse, memorization, dilation, calibration
    Metrics(metrics::Arguments),
    /// Estimate the transition matrix of label noise, for forward correction
    Transition(transition::Arguments),
    /// Solve the two models of the paper
    #[command(subcommand)]
    Theory(theory::Command),
    /// Write an HTML report on finished runs: claims, figures and tables
    Report(report::Arguments),
    /// Run the paper's experiments and write the report
    Reproduce(Box<reproduce::Arguments>),
    /// Check that a device computes correctly, and time it
    Selftest(selftest::Arguments),
    #[command(hide = true)]
    Calibrate(dry_run::Arguments),
}

impl Command {
    /// Whether the command trains or evaluates networks.
    fn computes_networks(&self) -> bool {
        matches!(
            self,
            Self::Train(_)
                | Self::Eval(_)
                | Self::Sweep(_)
                | Self::Search(_)
                | Self::Reproduce(_)
                | Self::Selftest(_)
                | Self::Calibrate(_)
        )
    }
}

fn main() -> ExitCode {
    exit_on_closed_output();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    if arguments.command.computes_networks() {
        keep_freed_memory();
    }
    let result = match arguments.command {
        Command::Data(command) => data::run(&command),
        Command::Noise(arguments) => noise::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Samples(arguments) => samples::run(&arguments),
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

/// Replaces the panic of `println!` and `eprintln!` when their output cannot be written: status 141
/// (128 + SIGPIPE) and no message for a closed pipe, as in `memdil ... | head`; otherwise status 1
/// and one line.
fn exit_on_closed_output() {
    let default_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if message.starts_with("failed printing to ") {
            if message.contains("Broken pipe") {
                std::process::exit(141);
            }
            let _ = writeln!(std::io::stderr(), "error: {message}");
            std::process::exit(1);
        }
        default_hook(panic);
    }));
}

/// Prints help and version unchanged, and a usage error in one line.
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
