//! HyperQueue: scripts are submitted with `hq submit` and followed with `hq job progress`.

use std::path::Path;
use std::process::Command;

use super::place::Place;
use super::process::output;
use super::scripts::Scripts;
use crate::failure::Failure;

/// Submits the arrays and waits for them, then submits the report and waits for it: HyperQueue jobs
/// cannot depend on other jobs.
pub(super) fn run(place: &Place, scripts: &Scripts) -> Result<(), Failure> {
    let mut jobs: Vec<String> = Vec::new();
    for script in &scripts.arrays {
        submit(place, script, &mut jobs)?;
    }
    if !jobs.is_empty() {
        eprintln!("submitted as {}", jobs.join(", "));
        eprintln!(
            "the jobs continue without this command; repeat it to follow them and write the report"
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

/// Waits until the jobs have ended, successfully or not; missing runs are detected later.
pub(super) fn follow(jobs: &[String]) -> Result<(), Failure> {
    for job in jobs {
        let status = Command::new("hq").args(["job", "progress", job]).status();
        if !status.is_ok_and(|status| status.success()) {
            return Err(Failure::inside(format!(
                "hq does not respond; job {job} continues if its server is running; repeat the command to follow it"
            )));
        }
    }
    Ok(())
}
