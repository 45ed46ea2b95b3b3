//! HyperQueue: `hq submit` takes the scripts, `hq job progress` shows how far they are.

use std::path::PathBuf;
use std::process::Command;

use super::Place;
use crate::{Failure, check, output};

/// Submits the arrays, follows them to their end, then does so with the report: jobs do not wait
/// for jobs here.
pub(super) fn run(place: &Place<'_>, scripts: &[PathBuf]) -> Result<(), Failure> {
    let Some((report, arrays)) = scripts.split_last() else {
        return Ok(());
    };
    let mut jobs: Vec<String> = Vec::new();
    let submit = |script: &PathBuf, jobs: &mut Vec<String>| {
        let answer = output(
            Command::new("hq")
                .args(["--output-mode", "quiet", "submit"])
                .arg(script),
        );
        jobs.push(place.submitted(script, answer, jobs)?);
        place.remember(jobs)
    };
    for script in arrays {
        submit(script, &mut jobs)?;
    }
    if !jobs.is_empty() {
        eprintln!("submitted as {}", jobs.join(", "));
        eprintln!(
            "they go on without this command: called again, it follows them and makes the report"
        );
        follow(&jobs)?;
    }
    submit(report, &mut jobs)?;
    follow(&jobs[jobs.len() - 1..])
}

/// Waits until the jobs have ended, well or not: what is missing then says so.
pub(super) fn follow(jobs: &[String]) -> Result<(), Failure> {
    for job in jobs {
        check(Command::new("hq").args(["job", "progress", job])).map_err(|_| {
            Failure::inside(format!(
                "hq does not answer; job {job} goes on if its server does: call again to follow it"
            ))
        })?;
    }
    Ok(())
}
