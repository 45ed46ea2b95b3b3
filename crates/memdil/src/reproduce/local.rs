//! Runs the experiments in worker processes on this machine and writes the report.

use std::process::ExitCode;
use std::time::Duration;

use memdil_records::write_atomic;

use super::experiments::{ExperimentFile, Kind};
use super::reproduction::Reproduction;
use crate::arguments::Processes;
use crate::dry_run::Estimate;
use crate::failure::Failure;
use crate::progress::human;
use crate::{layer_peeled, report, search, sweep};

/// Runs every experiment and writes the report.
pub(super) fn run(job: &Reproduction<'_>) -> Result<ExitCode, Failure> {
    // On a cluster, the process that submitted the report may still be following it.
    let _lock = match job.arguments.report_only {
        true => None,
        false => job.lock()?,
    };
    job.write_preset()?;
    job.write_experiments()?;
    check(job)?;
    let mut failed = Vec::new();
    for (index, experiment) in job.selection.experiments.iter().enumerate() {
        announce(job, index);
        match make(job, experiment) {
            Ok(code) if code == ExitCode::SUCCESS => {}
            Ok(_) => failed.push(experiment.name.as_str()),
            // Bad input is reported at once. With --report-only the cluster's runs are complete, so
            // their report is written in any case.
            Err(error) if error.is_bad_input() && !job.arguments.report_only => return Err(error),
            Err(error) => {
                error.print();
                failed.push(&experiment.name);
            }
        }
    }
    report::run(&report_arguments(job))?;
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::inside(format!(
        "runs of {} failed or diverged and are missing from the report; repeat the command to retry failed runs",
        failed.join(", ")
    )))
}

/// Checks every experiment file before the first run: an error in the last one would otherwise
/// appear after hours.
fn check(job: &Reproduction<'_>) -> Result<(), Failure> {
    let mut arguments = report_arguments(job);
    for experiment in &job.selection.experiments {
        if !arguments.config.contains(&experiment.path) {
            arguments.config.push(experiment.path.clone());
        }
        if experiment.kind == Kind::LayerPeeled {
            job.settings(experiment).load()?.layer_peeled()?;
        }
    }
    report::experiments(&arguments).map(|_| ())
}

/// Lists the runs with their estimated time; nothing is run.
pub(super) fn estimate(job: &Reproduction<'_>) -> Result<ExitCode, Failure> {
    job.write_experiments()?;
    check(job)?;
    let mut seconds = 0.0;
    for (index, experiment) in job.selection.experiments.iter().enumerate() {
        announce(job, index);
        match experiment.kind {
            Kind::LayerPeeled => eprintln!("  memdil layer-peeled: seconds"),
            Kind::Sweep => sweep::plan(&job.plan(experiment), println)?,
            Kind::Search | Kind::Report => {}
        }
        if let Some(estimate) = open(job, experiment, job.processes(), &mut println)? {
            println!("{}", estimate.summary());
            seconds += estimate.wall_clock();
        }
    }
    let mut experiments = job.selection.experiments.iter();
    let report = if experiments.any(|experiment| experiment.kind == Kind::Report) {
        "half a minute for the theory"
    } else {
        "the report"
    };
    let total = human(Duration::from_secs_f64(seconds));
    println!("total: about {total}, plus {report}");
    Ok(ExitCode::SUCCESS)
}

/// Estimates the time of the runs of an experiment in `processes`; `None` if it has no runs. `say`
/// receives one line per run as soon as its time is known.
pub(super) fn open(
    job: &Reproduction<'_>,
    experiment: &ExperimentFile,
    processes: Processes,
    say: &mut dyn FnMut(String),
) -> Result<Option<Estimate>, Failure> {
    match experiment.kind {
        Kind::Sweep => sweep::estimate(&job.sweep(experiment, processes), say).map(Some),
        Kind::Search => search::estimate(&job.search(experiment, processes), say).map(Some),
        Kind::LayerPeeled | Kind::Report => Ok(None),
    }
}

/// Prints the name of the experiment that starts now.
fn announce(job: &Reproduction<'_>, index: usize) {
    let experiments = &job.selection.experiments;
    eprintln!(
        "experiment {} ({} of {}), preset {}",
        experiments[index].name,
        index + 1,
        experiments.len(),
        job.arguments.preset
    );
}

/// Runs an experiment. With `--report-only`, a cluster has already executed the runs of sweeps.
fn make(job: &Reproduction<'_>, experiment: &ExperimentFile) -> Result<ExitCode, Failure> {
    match experiment.kind {
        Kind::Sweep if !job.arguments.report_only => {
            sweep::plan(&job.plan(experiment), |_| ())?;
            sweep::all(&job.sweep(experiment, job.processes()))?;
            Ok(ExitCode::SUCCESS)
        }
        Kind::Sweep => Ok(ExitCode::SUCCESS),
        Kind::Search => search::run(&job.search(experiment, job.processes())),
        Kind::LayerPeeled => layer_peeled::run(&layer_peeled::Arguments {
            settings: job.settings(experiment),
            out: job.runs(),
        }),
        Kind::Report => {
            // The empty file makes later calls with --only keep this part of the report.
            write_atomic(&job.result(experiment), |_| Ok(()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The arguments of the report on all results in the folder, of this call or earlier ones: `--only`
/// adds an experiment to the others.
fn report_arguments(job: &Reproduction<'_>) -> report::Arguments {
    let out = job.out.join("report");
    let mut made = job.selection.of_preset.clone();
    made.retain(|file| job.result(file).exists());
    let theory = made.iter().any(|file| file.kind == Kind::Report);
    let any_runs = made.iter().any(|file| file.kind != Kind::Report);
    report::Arguments {
        runs: any_runs.then(|| job.runs()),
        features: Vec::new(),
        out,
        // The folder may hold runs of earlier settings, so only the runs of manifests are included.
        manifest: made
            .iter()
            .filter(|file| matches!(file.kind, Kind::Sweep | Kind::Search))
            .map(|file| job.result(file))
            .collect(),
        config: made.into_iter().map(|file| file.path).collect(),
        preset: Some(job.arguments.preset.clone()),
        set: Vec::new(),
        data_dirs: job.arguments.machine().data.data_dirs.clone(),
        reference: None,
        theory,
        command: Some(job.arguments.shown()),
    }
}

fn println(line: String) {
    println!("{line}");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::*;
    use crate::reproduce::arguments::Arguments;
    use crate::reproduce::experiments::Selection;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn the_report_includes_all_results_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().to_owned();
        let line = Line::parse_from(["reproduce", "--preset", "standard", "--only", "capacity"]);
        let selection = Selection::new(None, &out, "standard", &[]).unwrap();
        let job = Reproduction {
            arguments: &line.arguments,
            selection,
            out: out.clone(),
        };
        assert!(report_arguments(&job).manifest.is_empty());
        fs::create_dir_all(out.join("runs/search")).unwrap();
        let files = [
            "runs/search/retrained.jsonl",
            "runs/layer-peeled.jsonl",
            "memorization-dilation.jsonl",
            "of-another-preset.jsonl",
        ];
        for file in files {
            fs::write(out.join(file), "").unwrap();
        }
        let made = report_arguments(&job);
        assert_eq!(
            made.manifest,
            [files[0], files[2]].map(|file| out.join(file))
        );
        assert_eq!(made.runs, Some(out.join("runs")));
    }
}
