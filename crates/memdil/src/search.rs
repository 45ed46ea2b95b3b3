//! `memdil search`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use memdil_records::{RecordError, Sampler, SearchFolder, SearchRecord};
use memdil_runner::{
    Experiment, RunnerError, Search, SearchOptions, SearchPlan, end_with_parent, run_searches,
};

use crate::arguments::{Processes, Settings, check_folder};
use crate::claims;
use crate::dry_run::{Estimate, Planned};
use crate::failure::Failure;
use crate::progress;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    memdil search --config experiments/generalization.toml --preset embedded --out runs --jobs 2\n  \
    memdil report --runs runs --out report\n\n\
    The table [search] of the file defines the trials; there is one search for each run of its [sweep]. The best trial is \
    trained again on all training data, in DIR; histories and trials are in DIR/search. An interrupted search resumes \
    with the same trials when the command is repeated.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Folder of runs
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Run only these searches of the sweep in sequence, numbered from 0
    #[arg(long, value_name = "I[,J]...", value_delimiter = ',')]
    pub(crate) index: Vec<usize>,
    /// Write the trials known so far to DIR/search/trials.jsonl, a manifest for memdil sweep run,
    /// and run nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// List trials and retrained runs with their estimated time, from timing each kind of run for a
    /// second, and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) processes: Processes,
    /// Print the histories as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    check_folder("--out", &arguments.out)?;
    if arguments.dry_run {
        let estimate = estimate(arguments, &mut |line| println!("{line}"))?;
        println!("{}", estimate.summary());
        return Ok(ExitCode::SUCCESS);
    }
    let SearchPlan { searches, absent } = plan(arguments, &arguments.settings.load()?)?;
    if arguments.processes.worker {
        end_with_parent();
    }
    let mut notes = left_out(&searches);
    notes.extend(
        absent
            .iter()
            .map(|(source, n)| format!("note: {source}: not found; {n} searches left out")),
    );
    // All searches together, or the requested ones in sequence.
    let requested: Vec<Option<usize>> = match arguments.index.as_slice() {
        [] => vec![None],
        indices => indices.iter().copied().map(Some).collect(),
    };
    let Results {
        searches,
        last_error,
    } = run_requested(arguments, &searches, &requested, notes)?;
    match last_error {
        Some(error) if searches.is_empty() => return Err(error.into()),
        _ => print(arguments, &searches, &requested),
    }
    if let Some(error) = last_error {
        return Err(error.into());
    }
    let failed = searches
        .iter()
        .any(|search| search.all_tried() && search.best_trial.is_none());
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Plans the searches of the experiment, and checks that the requested ones exist.
fn plan(arguments: &Arguments, experiment: &Experiment) -> Result<SearchPlan, Failure> {
    let plan = experiment.searches(&arguments.processes.running.machine.data.data_dirs)?;
    let searches = plan.searches.len();
    if let Some(&index) = arguments.index.iter().find(|&&index| index >= searches) {
        let last = searches.saturating_sub(1);
        return Err(RunnerError::NoSuchSearch { index, last }.into());
    }
    Ok(plan)
}

/// The results of the requested searches.
struct Results {
    searches: Vec<SearchRecord>,
    /// The last error of runs that failed or are damaged.
    last_error: Option<RunnerError>,
}

/// Runs the requested searches. Notes are printed only once a search has started, so that an error
/// in the input is a single line.
fn run_requested(
    arguments: &Arguments,
    searches: &[Search],
    requested: &[Option<usize>],
    mut notes: Vec<String>,
) -> Result<Results, Failure> {
    let mut options = SearchOptions::new(arguments.processes.workers()?, &arguments.out);
    options.plan = arguments.plan;
    let bar = progress::sweep();
    let mut results = Results {
        searches: Vec::new(),
        last_error: None,
    };
    for &index in requested {
        options.index = index;
        let searched = run_searches(searches, &options, |state| {
            notes.drain(..).for_each(|note| bar.print_line(&note));
            bar.show(state);
        });
        bar.clear();
        match searched {
            Ok(searched) => results.searches.extend(searched),
            // Failed or damaged runs do not stop other searches; the last error is returned.
            Err(
                error @ (RunnerError::Workers { .. }
                | RunnerError::Record(RecordError::Malformed { .. })),
            ) => {
                if let Some(earlier) = results.last_error.replace(error) {
                    eprintln!("failed: {earlier}");
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !results.searches.is_empty() || results.last_error.is_none() {
        notes.iter().for_each(|note| bar.print_line(note));
    }
    Ok(results)
}

/// Prints the searches, and the location of their runs.
fn print(arguments: &Arguments, searches: &[SearchRecord], requested: &[Option<usize>]) {
    if arguments.json {
        println!("{}", serde_json::json!({ "searches": searches }));
        return;
    }
    for search in searches {
        println!("{}", summary(search));
    }
    if !arguments.plan {
        println!("runs: {}", arguments.out.display());
        return;
    }
    let folder = SearchFolder::new(&arguments.out);
    for index in requested {
        let [manifest, _] = folder.manifests(*index);
        println!(
            "trials: {}; run them with --out {}",
            manifest.display(),
            folder.trials().display()
        );
    }
}

/// Estimates the time of the trials and retrained runs that are not done; the values of a trial do
/// not change its time. `print` also receives the claims.
pub(crate) fn estimate(
    arguments: &Arguments,
    print: &mut dyn FnMut(String),
) -> Result<Estimate, Failure> {
    let experiment = arguments.settings.load()?;
    let SearchPlan { searches, .. } = plan(arguments, &experiment)?;
    let requested = if arguments.index.is_empty() {
        searches.len()
    } else {
        arguments.index.len()
    };
    print(format!("{requested} searches"));
    let specs: Vec<_> = searches.iter().map(|search| search.spec.clone()).collect();
    claims::planned(&arguments.settings, &experiment, &specs)?
        .into_iter()
        .for_each(&mut *print);
    let mut runs = Vec::new();
    for (index, search) in searches.iter().enumerate() {
        if arguments.index.is_empty() || arguments.index.contains(&index) {
            runs.extend(planned(index, search, &SearchFolder::new(&arguments.out))?);
        }
    }
    Estimate::of(&runs, &arguments.processes, print)
}

/// The trials of a search and its retrained run.
fn planned(
    index: usize,
    search: &Search,
    folder: &SearchFolder,
) -> Result<Vec<Planned>, RecordError> {
    let record = folder.read(&search.id)?;
    let tried = record.as_ref().map_or(0, |record| record.trials.len());
    let mut planned = Vec::new();
    for trial in 1..=search.search.trials {
        let mut spec = search.spec.clone();
        spec.training.epochs = search.search.trial_epochs(spec.training.epochs);
        planned.push(Planned {
            index,
            name: format!("{}: trial {trial}", search.id),
            spec,
            done: trial <= tried,
        });
    }
    let mut spec = search.spec.clone();
    spec.data.validation = 0.0;
    planned.push(Planned {
        index,
        name: format!("{}: retrained", search.id),
        spec,
        done: record.is_some_and(|record| record.retrained.is_some()),
    });
    Ok(planned)
}

/// Notes on the settings of the search space that some searches do not have, counted by loss.
fn left_out(searches: &[Search]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for search in searches.iter().filter(|search| !search.left_out.is_empty()) {
        *counts
            .entry((search.spec.loss.short_name(), search.left_out.join(", ")))
            .or_default() += 1;
    }
    let all = searches.len();
    let note = |((loss, names), n)| {
        format!("note: {names}: not a setting of {n} of {all} searches ({loss}); left out there")
    };
    counts.into_iter().map(note).collect()
}

/// Describes a search in one line.
fn summary(record: &SearchRecord) -> String {
    let (all, sampler) = (record.search.trials, record.search.sampler);
    let kind = if sampler == Sampler::Tpe {
        "TPE"
    } else {
        sampler.name()
    };
    let diverged = record
        .trials
        .iter()
        .filter(|trial| trial.validation_accuracy.is_none())
        .count();
    let diverged = if diverged > 0 {
        format!(", {diverged} diverged")
    } else {
        String::new()
    };
    let mut text = format!(
        "{}: {} of {all} trials ({kind}){diverged}",
        record.id,
        record.trials.len()
    );
    if let Some(best) = record.best() {
        let values: Vec<String> = best
            .values
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        let accuracy = 100.0 * best.validation_accuracy.unwrap_or_default();
        text += &format!(
            ", best {} with {accuracy:.2} % on held-out data: {}",
            best.trial,
            values.join(", ")
        );
    }
    if let Some(retrained) = &record.retrained {
        text += &match retrained.test_accuracy {
            Some(accuracy) => format!("; retrained: test accuracy {:.2} %", 100.0 * accuracy),
            None => "; retrained: diverged".to_owned(),
        };
    }
    text
}
