//! What would be run, and how long it would take.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context;
use memdil_records::RunSpec;
use memdil_runner::Calibration;

use crate::arguments::Machine;
use crate::progress::human;

/// A run that would be made, or is there already.
pub(crate) struct Planned {
    /// The place of its line in the manifest, or of its search among the searches.
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) spec: RunSpec,
    pub(crate) done: bool,
}

/// How long runs that are not done will take.
pub(crate) struct Estimate {
    /// Places of the runs as in [`Planned`], with the seconds of each.
    open: Vec<(usize, f64)>,
    /// Done or not.
    runs: usize,
    jobs: usize,
}

impl Estimate {
    /// Times each kind of run for a second, in a process like those that would train it. `say` gets
    /// each run with its seconds, in one line, as soon as they are known.
    pub(crate) fn of(
        runs: &[Planned],
        machine: &Machine,
        jobs: usize,
        say: &mut dyn FnMut(String),
    ) -> anyhow::Result<Self> {
        let mut timed: Vec<(&RunSpec, Calibration)> = Vec::new();
        let mut open = Vec::new();
        for run in runs {
            if run.done {
                say(format!("{:>8}  {}", "done", run.name));
                continue;
            }
            let known = timed
                .iter()
                .find(|(spec, _)| Calibration::covers(spec, &run.spec))
                .map(|(_, known)| *known);
            let calibration = match known {
                Some(calibration) => calibration,
                None => {
                    let calibration = calibrated(&run.spec, machine)?;
                    timed.push((&run.spec, calibration));
                    calibration
                }
            };
            let seconds = calibration.seconds(&run.spec);
            say(format!("{seconds:>6.1} s  {}", run.name));
            open.push((run.index, seconds));
        }
        Ok(Self {
            open,
            runs: runs.len(),
            jobs,
        })
    }

    /// Places of what is not done, each once, with seconds.
    pub(crate) fn open(&self) -> BTreeMap<usize, f64> {
        let mut open = BTreeMap::new();
        for (index, seconds) in &self.open {
            *open.entry(*index).or_default() += seconds;
        }
        open
    }

    /// Seconds by the clock. No sweep is shorter than its longest run.
    pub(crate) fn wall_clock(&self) -> f64 {
        let seconds = self.open.iter().map(|(_, seconds)| seconds);
        let longest = seconds.clone().fold(0.0_f64, |a, b| a.max(*b));
        (seconds.sum::<f64>() / self.jobs as f64).max(longest)
    }

    pub(crate) fn summary(&self) -> String {
        let seconds = self.wall_clock();
        format!(
            "about {} ({seconds:.0} s) for {} of {} runs, {} at a time",
            human(Duration::from_secs_f64(seconds)),
            self.open.len(),
            self.runs,
            self.jobs
        )
    }
}

/// Processes at a time: unless said otherwise one a core, or one on a GPU, whose memory not every
/// number of them fits.
pub(crate) fn jobs(given: Option<u16>, machine: &Machine) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    given.map_or_else(
        || if machine.device == "cpu" { cores() } else { 1 },
        usize::from,
    )
}

fn calibrated(spec: &RunSpec, machine: &Machine) -> anyhow::Result<Calibration> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut command = Command::new(program);
    command
        .args(["calibrate", "--device", &machine.device])
        .env("RAYON_NUM_THREADS", "1");
    for folder in &machine.data_dirs {
        command.arg("--data-dir").arg(folder);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start a worker")?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&serde_json::to_vec(spec)?)?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(Silent(output.status.code()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A worker that failed has said why.
#[derive(Debug)]
pub(crate) struct Silent(Option<i32>);

impl std::error::Error for Silent {}

impl std::fmt::Display for Silent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a worker failed")
    }
}

impl Silent {
    pub(crate) fn exit(&self) -> ExitCode {
        ExitCode::from(self.0.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}

/// `memdil calibrate`, for the processes started above: reads a specification, prints what it was
/// timed at.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    machine: Machine,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let spec: RunSpec = serde_json::from_reader(std::io::stdin())?;
    let calibration = Calibration::new(&spec, &arguments.machine.options())?;
    println!("{}", serde_json::to_string(&calibration)?);
    Ok(ExitCode::SUCCESS)
}
