//! HyperQueue: `hq submit` takes the scripts, `hq job progress` shows how far they are.

use std::path::Path;
use std::process::Command;

use super::place::Place;
use super::process::output;
use super::scripts::Scripts;
use crate::failure::Failure;

/// Submits the arrays, follows them to their end, then does so with the report: jobs do not wait
/// for jobs here.
pub(super) fn run(place: &Place, scripts: &Scripts) -> Result<(), Failure> {
    let mut jobs: Vec<String> = Vec::new();
    for script in &scripts.arrays {
        submit(place, script, &mut jobs)?;
    }
    if !jobs.is_empty() {
        eprintln!("submitted as {}", jobs.join(", "));
        eprintln!(
            "they run on without this command: called again, it follows them and makes the report"
        );
        follow(&jobs)?;
    }
    submit(place, &scripts.report, &mut jobs)?;
    follow(&jobs[jobs.len() - 1..])
}

fn submit(place: &Place, script: &Path, jobs: &mut Vec<String>) -> Result<(), Failure> {
    let mut submit = Command::new("hq");
    submit
        .args(["--output-mode", "quiet", "submit"])
        .arg(script);
    place.submitted(script, output(&mut submit), jobs)?;
    Ok(())
}

/// Waits until the jobs have ended, well or not: runs that are then missing are found later.
pub(super) fn follow(jobs: &[String]) -> Result<(), Failure> {
    for job in jobs {
        let status = Command::new("hq").args(["job", "progress", job]).status();
        if !status.is_ok_and(|status| status.success()) {
            return Err(Failure::inside(format!(
                "hq does not answer; job {job} runs on if its server does: call again to follow it"
            )));
        }
    }
    Ok(())
}
