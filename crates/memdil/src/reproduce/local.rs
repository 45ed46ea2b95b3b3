//! Makes the experiments in worker processes on this machine, then the report.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use super::arguments::Arguments;
use super::experiments::{ExperimentFile, Kind, Selection};
use super::layout::Layout;
use crate::arguments::Settings;
use crate::dry_run::Estimate;
use crate::failure::Failure;
use crate::{layer_peeled, report, search, sweep};

/// Makes every experiment and writes the report.
pub(super) fn run(
    arguments: &Arguments,
    selection: &Selection,
    layout: &Layout,
) -> Result<ExitCode, Failure> {
    let mut failed = Vec::new();
    for (index, experiment) in selection.experiments.iter().enumerate() {
        announce(arguments, selection, index);
        match make(arguments, experiment, layout) {
            Ok(code) if code == ExitCode::SUCCESS => {}
            Ok(_) => failed.push(experiment.name.as_str()),
            // Input that is bad for one experiment is bad for its user: nothing else is made.
            Err(error) if error.is_bad_input() => return Err(error),
            Err(error) => {
                error.print();
                failed.push(&experiment.name);
            }
        }
    }
    write_report(arguments, selection, layout)?;
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::inside(format!(
        "runs of {} failed or diverged and are missing in the report; the same command tries again what failed",
        failed.join(", ")
    )))
}

/// Lists the runs with the time that they take; nothing is run.
pub(super) fn estimate(
    arguments: &Arguments,
    selection: &Selection,
    layout: &Layout,
) -> Result<ExitCode, Failure> {
    let mut seconds = 0.0;
    for (index, experiment) in selection.experiments.iter().enumerate() {
        announce(arguments, selection, index);
        if experiment.kind == Kind::LayerPeeled {
            eprintln!("  memdil layer-peeled: seconds");
        }
        if experiment.kind == Kind::Sweep {
            sweep::plan(&planned(arguments, experiment, layout), println)?;
        }
        if let Some(estimate) = open(arguments, experiment, layout, &mut println)? {
            println!("{}", estimate.summary());
            seconds += estimate.wall_clock();
        }
    }
    let report = if selection.experiments.iter().any(|e| e.kind == Kind::Report) {
        "the theory, half a minute"
    } else {
        "the report"
    };
    let minutes = (seconds / 60.0_f64).ceil();
    println!("all together: about {minutes:.0} min, and {report}");
    Ok(ExitCode::SUCCESS)
}

/// The runs of an experiment with the time that each takes; `None` where there are none. `say`
/// shows each as soon as it is known.
pub(super) fn open(
    arguments: &Arguments,
    experiment: &ExperimentFile,
    layout: &Layout,
    say: &mut dyn FnMut(String),
) -> Result<Option<Estimate>, Failure> {
    Ok(match experiment.kind {
        Kind::Sweep => {
            let sweep = swept(arguments, experiment, layout);
            Some(sweep::estimate(&sweep, say)?)
        }
        Kind::Search => Some(search::estimate(
            &searched(arguments, experiment, layout),
            say,
        )?),
        Kind::LayerPeeled | Kind::Report => None,
    })
}

/// Says which experiment comes now.
fn announce(arguments: &Arguments, selection: &Selection, index: usize) {
    eprintln!(
        "experiment {} ({} of {}), preset {}",
        selection.experiments[index].name,
        index + 1,
        selection.experiments.len(),
        arguments.preset
    );
}

/// Makes an experiment. With `--report-only` the runs of sweeps are those that a cluster has made.
fn make(
    arguments: &Arguments,
    experiment: &ExperimentFile,
    layout: &Layout,
) -> Result<ExitCode, Failure> {
    match experiment.kind {
        Kind::Sweep if !arguments.report_only => {
            sweep::plan(&planned(arguments, experiment, layout), |_| ())?;
            sweep::all(&swept(arguments, experiment, layout))?;
            Ok(ExitCode::SUCCESS)
        }
        Kind::Search => search::run(&searched(arguments, experiment, layout)),
        Kind::LayerPeeled => layer_peeled::run(&layer_peeled::Arguments {
            settings: settings(arguments, experiment),
            out: layout.runs(),
        }),
        Kind::Sweep | Kind::Report => Ok(ExitCode::SUCCESS),
    }
}

fn settings(arguments: &Arguments, experiment: &ExperimentFile) -> Settings {
    Settings::of_preset(&experiment.path, &arguments.preset)
}

/// The arguments that plan an experiment's sweep.
pub(super) fn planned(
    arguments: &Arguments,
    experiment: &ExperimentFile,
    layout: &Layout,
) -> sweep::Plan {
    sweep::Plan {
        settings: settings(arguments, experiment),
        out: layout.manifest(experiment),
        data: arguments.machine().data.clone(),
    }
}

/// The arguments that run an experiment's sweep.
fn swept(arguments: &Arguments, experiment: &ExperimentFile, layout: &Layout) -> sweep::Run {
    sweep::Run {
        manifest: layout.manifest(experiment),
        out: layout.runs(),
        index: Vec::new(),
        all: true,
        dry_run: false,
        processes: arguments.processes.clone(),
    }
}

/// The arguments that make an experiment's searches.
fn searched(
    arguments: &Arguments,
    experiment: &ExperimentFile,
    layout: &Layout,
) -> search::Arguments {
    search::Arguments {
        settings: settings(arguments, experiment),
        out: layout.runs(),
        index: Vec::new(),
        plan: false,
        dry_run: false,
        processes: arguments.processes.clone(),
        json: false,
    }
}

/// Writes the report of what was made in the folder, now or before: with `--only` it shows one
/// experiment more, and keeps the others.
fn write_report(
    arguments: &Arguments,
    selection: &Selection,
    layout: &Layout,
) -> Result<(), Failure> {
    let before = fs::read_to_string(layout.report().join("claims.json")).unwrap_or_default();
    let theory = before.contains("\"md-theory/")
        || selection.experiments.iter().any(|e| e.kind == Kind::Report);
    let made = |experiment: &&ExperimentFile| {
        layout
            .result(experiment)
            .map_or(theory, |result| result.exists())
    };
    let made: Vec<&ExperimentFile> = selection.of_preset.iter().filter(made).collect();
    report::run(&report::Arguments {
        runs: made
            .iter()
            .any(|experiment| experiment.kind != Kind::Report)
            .then(|| layout.runs()),
        features: Vec::new(),
        out: layout.report(),
        // Runs of earlier settings may be in the same folder: only those of the manifests count.
        manifest: manifests(&made, layout),
        config: made
            .iter()
            .map(|experiment| experiment.path.clone())
            .collect(),
        preset: Some(arguments.preset.clone()),
        set: Vec::new(),
        data_dirs: arguments.machine().data.data_dirs.clone(),
        reference: None,
        theory,
        command: Some(arguments.shown()),
    })?;
    Ok(())
}

/// The manifests of experiments that were made.
fn manifests(made: &[&ExperimentFile], layout: &Layout) -> Vec<PathBuf> {
    made.iter()
        .filter(|experiment| matches!(experiment.kind, Kind::Sweep | Kind::Search))
        .filter_map(|experiment| layout.result(experiment))
        .collect()
}

fn println(line: String) {
    println!("{line}");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_report_has_manifests_of_sweeps_and_searches() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout {
            out: folder.path().to_owned(),
        };
        let selection = Selection::new(None, Path::new("experiments"), "standard", &[]).unwrap();
        let all: Vec<&ExperimentFile> = selection.of_preset.iter().collect();
        let manifests = manifests(&all, &layout);
        for expected in ["runs/search/retrained.jsonl", "memorization-dilation.jsonl"] {
            assert!(manifests.contains(&layout.out.join(expected)), "{expected}");
        }
        assert!(!manifests.contains(&layout.runs().join("layer-peeled.jsonl")));
    }
}
