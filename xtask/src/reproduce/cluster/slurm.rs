//! Slurm: `sbatch` takes the scripts, `squeue` says how far they are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{NAME, Place};
use crate::{Failure, output};

/// Between two looks at the queue, in the first minute and later.
const POLLS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(15)];
/// Looks that may fail one after the other: a controller that starts again is away for a while.
const FAILURES: usize = 12;
/// Array size of a Slurm that says nothing else.
const MAX_ARRAY: usize = 1001;

/// Submits the arrays and, behind them, the report, and follows them to their end.
pub(super) fn run(place: &Place<'_>, scripts: &[PathBuf]) -> Result<(), Failure> {
    let mut jobs: Vec<String> = Vec::new();
    for (index, script) in scripts.iter().enumerate() {
        let mut command = Command::new("sbatch");
        command.arg("--parsable");
        if index + 1 == scripts.len() && !jobs.is_empty() {
            command.arg(format!("--dependency=afterany:{}", jobs.join(":")));
        }
        let id = place.submitted(script, output(command.arg(script)), &jobs)?;
        // `12;name-of-the-cluster` where there are several.
        jobs.push(id.split(';').next().unwrap_or_default().to_owned());
        place.remember(&jobs)?;
    }
    eprintln!("submitted as {}", jobs.join(", "));
    eprintln!("the jobs go on without this command: called again, it follows them");
    follow(&jobs)
}

/// Waits until none of the jobs is in the queue.
pub(super) fn follow(jobs: &[String]) -> Result<(), Failure> {
    let (started, mut shown, mut failures) = (Instant::now(), String::new(), 0);
    loop {
        match queue(jobs) {
            Ok(states) if states.is_empty() => return Ok(()),
            Ok(states) => {
                failures = 0;
                let text: Vec<String> = states
                    .iter()
                    .map(|(state, n)| format!("{n} {state}"))
                    .collect();
                let text = text.join(", ");
                if text != shown {
                    eprintln!("{} min: {text}", started.elapsed().as_secs() / 60);
                    shown = text;
                }
            }
            Err(failure) if failures >= FAILURES => {
                let jobs = jobs.join(", ");
                return Err(Failure::inside(format!(
                    "squeue does not answer ({}); jobs {jobs} go on: call again to follow them",
                    failure.message
                )));
            }
            Err(_) => failures += 1,
        }
        std::thread::sleep(POLLS[usize::from(started.elapsed() > Duration::from_secs(60))]);
    }
}

/// Tasks of the jobs in the queue, by state and, of those that wait, the reason.
pub(super) fn queue(jobs: &[String]) -> Result<BTreeMap<String, usize>, Failure> {
    let text = output(Command::new("squeue").args([
        "--me",
        "--noheader",
        "--array",
        "--format=%F|%j|%T|%r",
    ]))?;
    let mut states = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [job, name, state, reason] = fields[..] else {
            continue;
        };
        if name.starts_with(NAME) && jobs.iter().any(|known| known == job) {
            let state = state.to_lowercase();
            let state = if state == "pending" {
                format!("{state} ({reason})")
            } else {
                state
            };
            *states.entry(state).or_insert(0) += 1;
        }
    }
    Ok(states)
}

/// The largest array that Slurm takes; its indices stay below.
pub(super) fn max_array() -> usize {
    let text = output(Command::new("scontrol").args(["show", "config"])).unwrap_or_default();
    let value = text
        .lines()
        .find(|line| line.starts_with("MaxArraySize"))
        .and_then(|line| line.split_once('='));
    value
        .and_then(|(_, value)| value.trim().parse().ok())
        .filter(|&n: &usize| n > 1)
        .unwrap_or(MAX_ARRAY)
}
