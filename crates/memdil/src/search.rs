//! `memdil search`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use memdil_records::{RecordError, Sampler, SearchFolder, SearchRecord};
use memdil_runner::{
    RunnerError, Search, SearchOptions, SearchPlan, end_with_parent, run_searches,
};

use crate::arguments::{Machine, Settings, Writing, check_folder};
use crate::claims;
use crate::dry_run::{self, Planned};
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
    settings: Settings,
    /// Folder of runs
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Make this search of the sweep, counted from 0, or these, one after the other
    #[arg(long, value_name = "I[,J]...", value_delimiter = ',')]
    index: Vec<usize>,
    /// Write DIR/search/trials.jsonl, the trials known so far, for memdil sweep run, and run
    /// nothing
    #[arg(long)]
    plan: bool,
    /// List trials and retrained runs with the time they will take, from timing each kind for a
    /// second, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Worker processes at a time (default: one a core, or one on a GPU)
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    #[command(flatten)]
    writing: Writing,
    #[command(flatten)]
    machine: Machine,
    /// Print the histories as one JSON object
    #[arg(long)]
    json: bool,
    /// End when standard input closes: whoever started this process is gone then
    #[arg(long, hide = true)]
    worker: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    check_folder("--out", &arguments.out)?;
    let experiment = arguments.settings.load()?;
    let SearchPlan { searches, absent } = experiment.searches(&arguments.machine.data_dirs)?;
    let jobs = dry_run::jobs(arguments.jobs, &arguments.machine);
    let last = searches.len().saturating_sub(1);
    if let Some(&index) = arguments
        .index
        .iter()
        .find(|&&index| index >= searches.len())
    {
        return Err(RunnerError::NoSuchSearch { index, last }.into());
    }
    if arguments.dry_run {
        let asked = if arguments.index.is_empty() {
            searches.len()
        } else {
            arguments.index.len()
        };
        println!("{asked} searches");
        let specs: Vec<_> = searches.iter().map(|search| search.spec.clone()).collect();
        for line in claims::planned(&arguments.settings, &experiment, &specs)? {
            println!("{line}");
        }
        dry_run::show(&planned(&searches, arguments)?, &arguments.machine, jobs)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.worker {
        end_with_parent();
    }
    let mut options = SearchOptions {
        out: arguments.out.clone(),
        index: None,
        plan: arguments.plan,
        program: std::env::current_exe().context("cannot find this program's own file")?,
        jobs,
        device: arguments.machine.device.clone(),
        data_dirs: arguments.machine.data_dirs.clone(),
        checkpoint_every: arguments.writing.checkpoint_every,
        tensorboard: arguments.writing.tensorboard,
    };
    let bar = progress::sweep();
    // Said once all is known to be good: an error is one line.
    let mut notes = left_out(&searches);
    notes.extend(
        absent
            .iter()
            .map(|(source, n)| format!("note: {source} is not at hand: {n} searches left out")),
    );
    let mut say = || {
        std::mem::take(&mut notes)
            .iter()
            .for_each(|note| bar.say(note))
    };
    // All at a time, or those that were asked for, one after the other.
    let asked: Vec<Option<usize>> = match arguments.index.as_slice() {
        [] => vec![None],
        indices => indices.iter().copied().map(Some).collect(),
    };
    let (mut made, mut trouble): (_, Option<RunnerError>) = (Vec::new(), None);
    for &index in &asked {
        options.index = index;
        let searched = run_searches(&searches, &options, |state| {
            say();
            bar.show(state);
        });
        bar.clear();
        match searched {
            Ok(searched) => made.extend(searched),
            // Runs that failed or are damaged stop no other search; the last one is said at the
            // end.
            Err(
                error @ (RunnerError::Workers { .. }
                | RunnerError::Record(RecordError::Malformed { .. })),
            ) => {
                if let Some(before) = trouble.replace(error) {
                    eprintln!("failed: {before}");
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    if made.is_empty()
        && let Some(trouble) = trouble
    {
        return Err(trouble.into());
    }
    say();
    if arguments.json {
        println!("{}", serde_json::json!({ "searches": made }));
    } else {
        for search in &made {
            println!("{}", summary(search));
        }
        if arguments.plan {
            let folder = SearchFolder::new(&arguments.out);
            for index in asked {
                let [manifest, _] = folder.manifests(index);
                println!(
                    "trials: {}, for runs in {}",
                    manifest.display(),
                    folder.trials().display()
                );
            }
        } else {
            println!("runs: {}", arguments.out.display());
        }
    }
    if let Some(trouble) = trouble {
        return Err(trouble.into());
    }
    let failed = made
        .iter()
        .any(|search| search.all_tried() && search.best_trial.is_none());
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Trials and retrained runs of the searches; what values a trial has changes nothing in its time.
fn planned(searches: &[Search], arguments: &Arguments) -> anyhow::Result<Vec<Planned>> {
    let folder = SearchFolder::new(&arguments.out);
    let mut planned = Vec::new();
    let asked = |index: usize| arguments.index.is_empty() || arguments.index.contains(&index);
    for (_, search) in searches
        .iter()
        .enumerate()
        .filter(|(index, _)| asked(*index))
    {
        let record = folder.read(&search.id)?;
        let made = record.as_ref().map_or(0, |record| record.trials.len());
        for trial in 1..=search.search.trials + 1 {
            let whole = trial > search.search.trials;
            let mut spec = search.spec.clone();
            let name = if whole {
                "retrained".to_owned()
            } else {
                format!("trial {trial}")
            };
            if whole {
                spec.data.validation = 0.0;
            } else {
                spec.training.epochs = search.search.trial_epochs(spec.training.epochs);
            }
            let done = if whole {
                record
                    .as_ref()
                    .is_some_and(|record| record.retrained.is_some())
            } else {
                trial <= made
            };
            planned.push(Planned {
                name: format!("{}: {name}", search.id),
                spec,
                done,
            });
        }
    }
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
