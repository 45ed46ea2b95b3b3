//! Slurm: scripts are submitted with `sbatch` and followed with `squeue`.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use super::place::Place;
use super::process::output;
use super::scripts::{JOB_PREFIX, Scripts};
use crate::failure::Failure;

/// Time between polls of the queue, in the first minute and later.
const POLLS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(15)];
/// Number of consecutive polls that may fail, as a controller takes a while to restart.
const FAILURES: usize = 12;

/// Submits the arrays and the report, which depends on them, and waits for all jobs.
pub(super) fn run(place: &Place, scripts: &Scripts) -> Result<(), Failure> {
    let mut jobs: Vec<String> = Vec::new();
    for script in &scripts.arrays {
        let answer = output(Command::new("sbatch").arg("--parsable").arg(script));
        place.submitted(script, answer, &mut jobs)?;
    }
    let mut report = Command::new("sbatch");
    report.arg("--parsable");
    if !jobs.is_empty() {
        report.arg(format!("--dependency=afterany:{}", jobs.join(":")));
    }
    let answer = output(report.arg(&scripts.report));
    place.submitted(&scripts.report, answer, &mut jobs)?;
    eprintln!("submitted as {}", jobs.join(", "));
    eprintln!("the jobs continue without this command; repeat it to follow them");
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
                let states: Vec<String> = states
                    .iter()
                    .map(|(state, count)| format!("{count} {state}"))
                    .collect();
                let text = states.join(", ");
                if text != shown {
                    eprintln!("{} min: {text}", started.elapsed().as_secs() / 60);
                    shown = text;
                }
            }
            Err(error) if failures >= FAILURES => {
                return Err(Failure::inside(format!(
                    "squeue does not respond ({error}); jobs {} continue; repeat the command to follow them",
                    jobs.join(", ")
                )));
            }
            Err(_) => failures += 1,
        }
        std::thread::sleep(POLLS[usize::from(started.elapsed() > Duration::from_secs(60))]);
    }
}

/// Number of tasks of the jobs in the queue by state; pending tasks are counted per reason.
pub(super) fn queue(jobs: &[String]) -> Result<BTreeMap<String, usize>, Failure> {
    let mut squeue = Command::new("squeue");
    squeue.args(["--me", "--noheader", "--array", "--format=%F|%j|%T|%r"]);
    let mut states = BTreeMap::new();
    for line in output(&mut squeue)?.lines() {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [job, name, state, reason] = fields[..] else {
            continue;
        };
        if name.starts_with(JOB_PREFIX) && jobs.iter().any(|known| known == job) {
            let mut state = state.to_lowercase();
            if state == "pending" {
                state += &format!(" ({reason})");
            }
            *states.entry(state).or_insert(0) += 1;
        }
    }
    Ok(states)
}
