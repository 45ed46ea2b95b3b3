//! Submits the runs that are not done, waits for them, and repeats this for runs still missing.

use std::fs;
use std::process::ExitCode;

use memdil_records::create_dir;

use super::options::{Cluster, Scheduler};
use super::place::Place;
use super::scripts::{self, Scripts};
use super::tasks::tasks;
use super::{hyperqueue, slurm};
use crate::failure::Failure;
use crate::reproduce::reproduction::Reproduction;

/// Largest number of submissions.
const ATTEMPTS: usize = 3;

pub(in crate::reproduce) fn run(
    cluster: &Cluster,
    job: &Reproduction<'_>,
) -> Result<ExitCode, Failure> {
    let place = Place::new(&job.out, cluster.scheduler);
    place.create()?;
    create_dir(&job.runs())?;
    if cluster.submit {
        follow_earlier(&place, cluster.scheduler)?;
    }
    // The tasks of an earlier call have ended, so these files are no longer read.
    job.write_preset()?;
    job.write_experiments()?;
    place.copy_program()?;
    for attempt in 1..=ATTEMPTS {
        let tasks = tasks(cluster, job)?;
        if tasks.is_empty() && attempt > 1 {
            return finish(&place);
        }
        let scripts = scripts::write(cluster, job, &place, &tasks)?;
        let seconds = tasks.iter().fold(0.0, |sum, task| sum + task.seconds);
        println!(
            "{} tasks, about {:.0} min on one core; scripts in {}",
            tasks.len(),
            (seconds / 60.0).ceil(),
            place.folder.display()
        );
        if !cluster.submit {
            let Scripts { arrays, report } = scripts;
            for script in arrays.iter().chain([&report]) {
                println!("{}", script.display());
            }
            return Ok(ExitCode::SUCCESS);
        }
        for of_before in [place.report_log(), place.report_status()] {
            let _ = fs::remove_file(of_before);
        }
        match cluster.scheduler {
            Scheduler::Slurm => slurm::run(&place, &scripts)?,
            Scheduler::HyperQueue => hyperqueue::run(&place, &scripts)?,
        }
    }
    match tasks(cluster, job)?.as_slice() {
        [] => finish(&place),
        left @ [first, ..] => Err(Failure::inside(format!(
            "{} tasks are not done after {ATTEMPTS} attempts; first: {}; logs are in {}",
            left.len(),
            first.arguments,
            place.logs().display()
        ))),
    }
}

/// Waits for the jobs of an earlier call, so that only runs missing after them are submitted.
fn follow_earlier(place: &Place, scheduler: Scheduler) -> Result<(), Failure> {
    let jobs = place.submitted_before();
    let waiting = match scheduler {
        _ if jobs.is_empty() => false,
        Scheduler::Slurm => !slurm::queue(&jobs)?.is_empty(),
        Scheduler::HyperQueue => true,
    };
    if !waiting {
        return Ok(());
    }
    eprintln!("following jobs {} of an earlier call", jobs.join(", "));
    match scheduler {
        Scheduler::Slurm => slurm::follow(&jobs),
        Scheduler::HyperQueue => {
            // A restarted server does not have the jobs, so there is nothing to wait for.
            if hyperqueue::follow(&jobs).is_err() {
                eprintln!("the server does not have these jobs; missing runs are submitted again");
            }
            Ok(())
        }
    }
}

/// Prints the output of the report's job.
fn finish(place: &Place) -> Result<ExitCode, Failure> {
    let log = place.report_log();
    let Ok(status) = fs::read_to_string(place.report_status()) else {
        return Err(Failure::inside(format!(
            "the report was not written; see {}",
            log.display()
        )));
    };
    print!("{}", fs::read_to_string(&log).unwrap_or_default());
    if status.trim() != "0" {
        return Err(Failure::inside(format!(
            "the report's job ended with exit status {}: see {}",
            status.trim(),
            log.display()
        )));
    }
    Ok(ExitCode::SUCCESS)
}
