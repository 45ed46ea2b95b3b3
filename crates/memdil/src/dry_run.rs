//! What would be run, and how long it would take.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use memdil_records::RunSpec;
use memdil_runner::Calibration;

use crate::arguments::own_program;
use crate::arguments::{Machine, Processes};
use crate::failure::Failure;
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
        processes: &Processes,
        say: &mut dyn FnMut(String),
    ) -> Result<Self, Failure> {
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
                    let calibration = calibrated(&run.spec, &processes.running.machine)?;
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
            jobs: processes.jobs(),
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

fn calibrated(spec: &RunSpec, machine: &Machine) -> Result<Calibration, Failure> {
    let program = own_program()?;
    let mut command = Command::new(program);
    command
        .args(["calibrate", "--device", &machine.device])
        .env("RAYON_NUM_THREADS", "1");
    for folder in &machine.data.data_dirs {
        command.arg("--data-dir").arg(folder);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::inside(format!("cannot start a worker: {error}")))?;
    let text = serde_json::to_vec(spec)?;
    let written = child.stdin.take().map(|mut input| input.write_all(&text));
    let output = child.wait_with_output()?;
    // A worker that ends early has printed the reason, and closes the pipe.
    if !output.status.success() {
        return Err(Failure::of_worker(output.status.code()));
    }
    written.transpose()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// `memdil calibrate`, for the processes started above: reads a specification, prints what it was
/// timed at.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    machine: Machine,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let spec: RunSpec = serde_json::from_reader(std::io::stdin())?;
    let calibration = Calibration::new(&spec, &arguments.machine.options())?;
    println!("{}", serde_json::to_string(&calibration)?);
    Ok(ExitCode::SUCCESS)
}
