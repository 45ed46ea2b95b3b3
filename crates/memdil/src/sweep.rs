//! `memdil sweep plan | run | status`

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use memdil_records::{
    ManifestLine, RecordError, RunFolder, RunSpec, create_dir, read_manifest, write_manifest,
};
use memdil_runner::{RunnerError, SweepOptions, end_with_parent, run_all, status, train};

use crate::arguments::{DataDirs, Processes, Settings, check_file, check_folder};
use crate::claims;
use crate::dry_run::{Estimate, Planned};
use crate::failure::Failure;
use crate::progress;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Write a manifest with the runs of an experiment's sweep, one per line
    #[command(after_help = "Example:\n  \
        memdil sweep plan --config experiments/memorization-dilation.toml --out manifest.jsonl")]
    Plan(Plan),
    /// Execute the runs of a manifest that are not complete
    #[command(
        after_help = "Example:\n  memdil sweep run --manifest manifest.jsonl --out runs --all --jobs 2"
    )]
    Run(Run),
    /// Show the progress of a sweep
    #[command(after_help = "Example:\n  memdil sweep status --manifest manifest.jsonl --out runs")]
    Status(Status),
}

#[derive(clap::Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Manifest to write
    #[arg(long, value_name = "M.jsonl")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataDirs,
}

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct Run {
    /// Manifest of the sweep
    #[arg(long, value_name = "M.jsonl")]
    pub(crate) manifest: PathBuf,
    /// Folder for the runs, one subfolder per run
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Execute only these runs in sequence, numbered from 0
    #[arg(long, group = "which", value_name = "I[,J]...", value_delimiter = ',')]
    pub(crate) index: Vec<usize>,
    /// Execute all runs, in worker processes of one thread each
    #[arg(long, group = "which")]
    pub(crate) all: bool,
    /// List the runs with their estimated time, from timing each kind of run for a second, and run
    /// nothing
    #[arg(long, requires = "all")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) processes: Processes,
}

#[derive(clap::Args)]
pub(crate) struct Status {
    /// Manifest of the sweep
    #[arg(long, value_name = "M.jsonl")]
    manifest: PathBuf,
    /// Folder of the runs, one subfolder per run
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Plan(arguments) => plan(arguments, |line| println!("{line}")),
        Command::Run(arguments) => execute(arguments),
        Command::Status(arguments) => show(arguments),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the manifest; `print` receives the number of runs and the tests that they allow.
pub(crate) fn plan(arguments: &Plan, print: impl Fn(String)) -> Result<(), Failure> {
    check_file("--out", &arguments.out)?;
    let experiment = arguments.settings.load()?;
    let memdil_runner::SweepPlan { lines, absent } = experiment.plan(&arguments.data.data_dirs)?;
    let specs: Vec<RunSpec> = lines.iter().map(|line| line.spec.clone()).collect();
    let tests = claims::planned(&arguments.settings, &experiment, &specs)?;
    if experiment.is_search() {
        eprintln!("note: the table [search] is ignored; use memdil search for it");
    }
    if let Some(folder) = arguments
        .out
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        create_dir(folder)?;
    }
    write_manifest(&arguments.out, &lines)?;
    for (source, runs) in absent {
        eprintln!("note: {source}: not found; {runs} runs left out");
    }
    print(format!(
        "{} runs in {}",
        lines.len(),
        arguments.out.display()
    ));
    tests.into_iter().for_each(print);
    Ok(())
}

fn execute(arguments: &Run) -> Result<(), Failure> {
    check_folder("--out", &arguments.out)?;
    if arguments.processes.worker {
        end_with_parent();
    }
    if !arguments.index.is_empty() {
        return run_indexed(&read_manifest(&arguments.manifest)?, arguments);
    }
    if arguments.dry_run {
        let estimate = estimate(arguments, &mut |line| println!("{line}"))?;
        println!("{}", estimate.summary());
        return Ok(());
    }
    all(arguments)
}

/// Estimates the time of the runs of a manifest that are not complete.
pub(crate) fn estimate(
    arguments: &Run,
    print: &mut dyn FnMut(String),
) -> Result<Estimate, Failure> {
    let mut planned = Vec::new();
    for (index, line) in read_manifest(&arguments.manifest)?.into_iter().enumerate() {
        let ManifestLine { id, spec } = line;
        let done = match RunFolder::new(arguments.out.join(&id)).record() {
            Ok(record) => record.is_some_and(|record| record.spec == spec),
            // A damaged record only makes its own run fail, so the others are still estimated.
            Err(RecordError::Malformed { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        planned.push(Planned {
            index,
            name: id,
            spec,
            done,
        });
    }
    Estimate::of(&planned, &arguments.processes, print)
}

/// Executes all runs of a manifest in worker processes.
pub(crate) fn all(arguments: &Run) -> Result<(), Failure> {
    let lines = read_manifest(&arguments.manifest)?;
    let workers = arguments.processes.workers()?;
    let options = SweepOptions::new(workers, &arguments.manifest, &arguments.out);
    let bar = progress::sweep();
    let status = run_all(&lines, &options, |state| bar.show(state));
    bar.clear();
    let status = status?;
    println!(
        "{} of {} runs complete, {} diverged",
        status.completed, status.runs, status.diverged
    );
    Ok(())
}

/// Time between attempts at runs that other processes are working on.
const BUSY_RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// Executes the runs given with `--index`; a failed run does not stop the others.
///
/// A run that another process is working on is retried until that process has finished it or has
/// ended. A worker of a sweep does not wait: it reports the run as busy at once.
fn run_indexed(lines: &[ManifestLine], arguments: &Run) -> Result<(), Failure> {
    let find = |&index: &usize| {
        let last = lines.len() - 1;
        lines.get(index).ok_or_else(|| RunnerError::NoSuchLine {
            path: arguments.manifest.clone(),
            index,
            last,
        })
    };
    let mut pending = arguments
        .index
        .iter()
        .map(find)
        .collect::<Result<VecDeque<_>, _>>()?;
    let options = arguments.processes.running.options();
    let (mut failed, mut noted): (Option<RunnerError>, _) = (None, false);
    let mut busy = 0;
    while let Some(line) = pending.pop_front() {
        let bar = progress::epochs(line.spec.training.epochs);
        let outcome = train(&line.spec, &arguments.out.join(&line.id), &options, |e| {
            progress::training(&bar, &e)
        });
        bar.finish_and_clear();
        if let Err(RunnerError::Busy { path }) = &outcome
            && !arguments.processes.worker
        {
            if !std::mem::replace(&mut noted, true) {
                eprintln!(
                    "note: {}: another process is working on this run; waiting for it",
                    path.display()
                );
            }
            pending.push_back(line);
            busy += 1;
            if busy >= pending.len() {
                busy = 0;
                std::thread::sleep(BUSY_RETRY_INTERVAL);
            }
            continue;
        }
        busy = 0;
        if let Err(error) = outcome {
            // The last error is returned.
            if let Some(earlier) = failed.replace(error) {
                eprintln!("failed: {earlier}");
            }
        }
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn show(arguments: &Status) -> Result<(), Failure> {
    check_folder("--out", &arguments.out)?;
    let status = status(&read_manifest(&arguments.manifest)?, &arguments.out)?;
    if arguments.json {
        println!("{}", serde_json::to_string(&status)?);
    } else {
        let damaged = if status.damaged.is_empty() {
            String::new()
        } else {
            format!(", {} damaged", status.damaged.len())
        };
        println!(
            "{} runs: {} completed, {} diverged, {} unfinished, {} missing{damaged}",
            status.runs, status.completed, status.diverged, status.begun, status.missing
        );
        for reason in &status.damaged {
            println!("damaged: {reason}");
        }
    }
    Ok(())
}
