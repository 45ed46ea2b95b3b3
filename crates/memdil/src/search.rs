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
    The table [search] of the file says what is tried; one search is made for each run of its [sweep]. The best trial is \
    trained again on all training data, into DIR; histories and trials are in DIR/search. Stopped at any moment, it \
    goes on with the same trials when called again.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Folder of runs
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Make this search of the sweep, counted from 0, or these, one after the other
    #[arg(long, value_name = "I[,J]...", value_delimiter = ',')]
    pub(crate) index: Vec<usize>,
    /// Write DIR/search/trials.jsonl, the trials known so far, for memdil sweep run, and run
    /// nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// List trials and retrained runs with the time they will take, from timing each kind for a
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
            .map(|(source, n)| format!("note: {source} is not at hand: {n} searches left out")),
    );
    // All at a time, or those that were asked for, one after the other.
    let asked: Vec<Option<usize>> = match arguments.index.as_slice() {
        [] => vec![None],
        indices => indices.iter().copied().map(Some).collect(),
    };
    let Made { searches, trouble } = make(arguments, &searches, &asked, notes)?;
    match trouble {
        Some(trouble) if searches.is_empty() => return Err(trouble.into()),
        _ => print(arguments, &searches, &asked),
    }
    if let Some(trouble) = trouble {
        return Err(trouble.into());
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

/// The searches of the experiment, of which the requested ones are there.
fn plan(arguments: &Arguments, experiment: &Experiment) -> Result<SearchPlan, Failure> {
    let plan = experiment.searches(&arguments.processes.running.machine.data.data_dirs)?;
    let searches = plan.searches.len();
    if let Some(&index) = arguments.index.iter().find(|&&index| index >= searches) {
        let last = searches.saturating_sub(1);
        return Err(RunnerError::NoSuchSearch { index, last }.into());
    }
    Ok(plan)
}

/// What became of the requested searches.
struct Made {
    searches: Vec<SearchRecord>,
    /// The last error of runs that failed or are damaged.
    trouble: Option<RunnerError>,
}

/// Makes the requested searches; notes are shown once all is known to be good: an error is one
/// line.
fn make(
    arguments: &Arguments,
    searches: &[Search],
    asked: &[Option<usize>],
    mut notes: Vec<String>,
) -> Result<Made, Failure> {
    let mut options = SearchOptions::new(arguments.processes.workers()?, &arguments.out);
    options.plan = arguments.plan;
    let bar = progress::sweep();
    let mut made = Made {
        searches: Vec::new(),
        trouble: None,
    };
    for &index in asked {
        options.index = index;
        let searched = run_searches(searches, &options, |state| {
            notes.drain(..).for_each(|note| bar.say(&note));
            bar.show(state);
        });
        bar.clear();
        match searched {
            Ok(searched) => made.searches.extend(searched),
            // Runs that failed or are damaged stop no other search; the last error is returned.
            Err(
                error @ (RunnerError::Workers { .. }
                | RunnerError::Record(RecordError::Malformed { .. })),
            ) => {
                if let Some(before) = made.trouble.replace(error) {
                    eprintln!("failed: {before}");
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !made.searches.is_empty() || made.trouble.is_none() {
        notes.iter().for_each(|note| bar.say(note));
    }
    Ok(made)
}

/// Prints the searches that were made.
fn print(arguments: &Arguments, made: &[SearchRecord], asked: &[Option<usize>]) {
    if arguments.json {
        println!("{}", serde_json::json!({ "searches": made }));
        return;
    }
    for search in made {
        println!("{}", summary(search));
    }
    if !arguments.plan {
        println!("runs: {}", arguments.out.display());
        return;
    }
    let folder = SearchFolder::new(&arguments.out);
    for index in asked {
        let [manifest, _] = folder.manifests(*index);
        println!(
            "trials: {}, for runs in {}",
            manifest.display(),
            folder.trials().display()
        );
    }
}

/// How long trials and retrained runs that are not done will take: which values a trial has does
/// not change its time. `say` gets the claims too.
pub(crate) fn estimate(
    arguments: &Arguments,
    say: &mut dyn FnMut(String),
) -> Result<Estimate, Failure> {
    let experiment = arguments.settings.load()?;
    let SearchPlan { searches, .. } = plan(arguments, &experiment)?;
    let asked = if arguments.index.is_empty() {
        searches.len()
    } else {
        arguments.index.len()
    };
    say(format!("{asked} searches"));
    let specs: Vec<_> = searches.iter().map(|search| search.spec.clone()).collect();
    claims::planned(&arguments.settings, &experiment, &specs)?
        .into_iter()
        .for_each(&mut *say);
    let mut runs = Vec::new();
    for (index, search) in searches.iter().enumerate() {
        if arguments.index.is_empty() || arguments.index.contains(&index) {
            runs.extend(planned(index, search, &SearchFolder::new(&arguments.out))?);
        }
    }
    Estimate::of(&runs, &arguments.processes, say)
}

/// The trials of a search and its retrained run.
fn planned(
    index: usize,
    search: &Search,
    folder: &SearchFolder,
) -> Result<Vec<Planned>, RecordError> {
    let record = folder.read(&search.id)?;
    let made = record.as_ref().map_or(0, |record| record.trials.len());
    let mut planned = Vec::new();
    for trial in 1..=search.search.trials {
        let mut spec = search.spec.clone();
        spec.training.epochs = search.search.trial_epochs(spec.training.epochs);
        planned.push(Planned {
            index,
            name: format!("{}: trial {trial}", search.id),
            spec,
            done: trial <= made,
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

/// What is not searched over in which searches, by loss.
fn left_out(searches: &[Search]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for search in searches.iter().filter(|search| !search.left_out.is_empty()) {
        *counts
            .entry((search.spec.loss.short_name(), search.left_out.join(", ")))
            .or_default() += 1;
    }
    let all = searches.len();
    let note = |((loss, names), n)| {
        format!("note: {n} of {all} searches ({loss}) have no setting {names}: left out there")
    };
    counts.into_iter().map(note).collect()
}

/// A search in one line.
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
