//! Estimates of the time that planned runs take.

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

/// A planned run, which may be done already.
pub(crate) struct Planned {
    /// The index of its line in the manifest, or of its search.
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) spec: RunSpec,
    pub(crate) done: bool,
}

/// The estimated time of the runs that are not done.
pub(crate) struct Estimate {
    /// [`Planned::index`] and seconds of each run that is not done.
    open: Vec<(usize, f64)>,
    /// Number of all runs, done or not.
    runs: usize,
    jobs: usize,
}

impl Estimate {
    /// Times each kind of run for a second, in a process like those that would train it. `print`
    /// receives one line per run, with its seconds, as soon as they are known.
    pub(crate) fn of(
        runs: &[Planned],
        processes: &Processes,
        print: &mut dyn FnMut(String),
    ) -> Result<Self, Failure> {
        let mut timed: Vec<(&RunSpec, Calibration)> = Vec::new();
        let mut open = Vec::new();
        for run in runs {
            if run.done {
                print(format!("{:>8}  {}", "done", run.name));
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
            print(format!("{seconds:>6.1} s  {}", run.name));
            open.push((run.index, seconds));
        }
        Ok(Self {
            open,
            runs: runs.len(),
            jobs: processes.jobs(),
        })
    }

    /// The seconds that are left for each index.
    pub(crate) fn open(&self) -> BTreeMap<usize, f64> {
        let mut open = BTreeMap::new();
        for (index, seconds) in &self.open {
            *open.entry(*index).or_default() += seconds;
        }
        open
    }

    /// Wall-clock seconds. A sweep takes at least as long as its longest run.
    pub(crate) fn wall_clock(&self) -> f64 {
        let seconds = || self.open.iter().map(|(_, seconds)| *seconds);
        let sum = seconds().fold(0.0, |sum, seconds| sum + seconds);
        (sum / self.jobs as f64).max(seconds().fold(0.0, f64::max))
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
        .map_err(|error| Failure::inside(format!("cannot start a worker process: {error}")))?;
    let text = serde_json::to_vec(spec)?;
    let written = child.stdin.take().map(|mut input| input.write_all(&text));
    let output = child.wait_with_output()?;
    // A worker that ends early has printed the reason, which matters more than the broken pipe.
    if !output.status.success() {
        return Err(Failure::of_worker(output.status.code()));
    }
    written.transpose()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The hidden `memdil calibrate`, which the processes started above run: reads a specification from
/// standard input, times it, and prints the result.
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
