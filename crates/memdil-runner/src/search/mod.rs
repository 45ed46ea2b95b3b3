//! Hyper-parameter search: short runs with sampled settings, then the best one in full on all
//! training data.
//!
//! Trials and retrained runs are made by [`run_all`](crate::run_all), so a search is stopped and
//! goes on as a sweep does.

mod plan;
mod sampler;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memdil_records::{
    ManifestLine, RecordError, RetrainedRecord, RunFolder, RunRecord, RunSpec, Sampler,
    SearchFolder, SearchRecord, SearchSpec, Status, TrialRecord, create_dir, run_id,
    write_manifest,
};
use serde_json::Value;
use toml::Table;

pub use sampler::STARTUP_TRIALS;

use crate::sweep::check_inputs;
use crate::{RunnerError, SweepOptions, SweepProgress, run_all};

/// A search as planned: one run's settings, and what is tried in their place.
#[derive(Clone, Debug)]
pub struct Search {
    /// Name of the search: that of the run that its settings describe.
    pub id: String,
    /// These settings.
    pub spec: RunSpec,
    /// What is tried.
    pub search: SearchSpec,
    /// The settings of the space that the run has.
    pub settings: Vec<String>,
    /// Those that it has not, and that are left as they are.
    pub left_out: Vec<String>,
    /// The settings as the file writes them.
    table: Table,
}

/// The searches of an experiment.
#[derive(Clone, Debug)]
pub struct SearchPlan {
    /// In the order of the sweep.
    pub searches: Vec<Search>,
    /// Data sets that are not at hand, and the number of searches that are left out therefore.
    pub absent: BTreeMap<String, usize>,
}

/// How to make searches.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    /// Folder of runs that gets the retrained ones and `search/`.
    pub out: PathBuf,
    /// Make this search only, counted from 0.
    pub index: Option<usize>,
    /// Write the manifest of the trials that are known so far, and run nothing.
    pub plan: bool,
    /// The program to start for each run, as in [`SweepOptions`].
    pub program: PathBuf,
    /// Processes at a time, at least one.
    pub jobs: usize,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Where the data sets are.
    pub data_dirs: Vec<PathBuf>,
    /// A run writes a checkpoint when so much time has passed since its last one.
    pub checkpoint_every: Duration,
    /// Whether runs write their metrics for TensorBoard too.
    pub tensorboard: bool,
}

/// Makes the trials of the searches that are not finished, then trains the best of each again, and
/// returns the histories. Progress counts trials and retrained runs.
///
/// A search of kind `random` knows its trials from the start: they run `jobs` at a time. One of
/// kind `tpe` makes one trial after the other, all searches side by side. A diverged trial stays in
/// the history, is worst, and is not tried again. Stopped at any moment and called again with the
/// same searches, it goes on with the same trials, and the histories end in the same bytes.
///
/// # Errors
///
/// [`RunnerError::OtherSearch`] when the folder holds searches of this experiment with other
/// settings,
/// [`RunnerError::NoSuchSearch`]; bad data or device before the first trial; as [`run_all`], after
/// the searches that lack no run have been finished.
pub fn run_searches(
    searches: &[Search],
    options: &SearchOptions,
    mut on_progress: impl FnMut(&SweepProgress),
) -> Result<Vec<SearchRecord>, RunnerError> {
    let folder = SearchFolder::new(&options.out);
    refuse_others(searches, &folder)?;
    let chosen = match options.index {
        None => searches,
        Some(index) => searches
            .get(index..=index)
            .ok_or(RunnerError::NoSuchSearch {
                index,
                last: searches.len().saturating_sub(1),
            })?,
    };
    // The retrained runs too, so that their data cannot end a search that has taken hours.
    let specs = chosen.iter().flat_map(|search| {
        let none = BTreeMap::new();
        [search.trial(&none), search.whole(&none)]
    });
    let specs = specs.collect::<Result<Vec<RunSpec>, _>>()?;
    check_inputs(specs.iter(), &options.device, &options.data_dirs)?;

    let mut histories = chosen
        .iter()
        .map(|search| History::read(search, &folder))
        .collect::<Result<Vec<_>, _>>()?;
    create_dir(&folder.trials())?;
    folder.remove_temporary(
        chosen.iter().map(|search| search.id.as_str()),
        options.index,
    )?;
    let mut overall = Overall::new(chosen);
    let [trials, retrained] = folder.manifests(options.index);
    // Runs that failed: the others go on, and this is said at the end.
    let mut trouble = None;
    while trouble.is_none() {
        let lines = known(&mut histories)?;
        if histories.iter().all(|history| history.record.all_tried()) {
            break;
        }
        write_manifest(&trials, &lines)?;
        if options.plan {
            return Ok(histories
                .into_iter()
                .map(|history| history.record)
                .collect());
        }
        overall.begin(&lines);
        let mut failed = None;
        let round = run_all(
            &lines,
            &options.sweep(&trials, &folder.trials()),
            |progress| {
                if let Some((run, _)) = &progress.ended {
                    let written = histories
                        .iter_mut()
                        .try_for_each(|history| history.collect(Some(run)));
                    failed = written.err().or(failed.take());
                }
                on_progress(&overall.with(progress, false));
            },
        );
        if let Some(error) = failed {
            return Err(error);
        }
        trouble = only_runs_failed(round)?;
        histories
            .iter_mut()
            .try_for_each(|history| history.collect(None))?;
    }
    if options.plan {
        return Ok(histories
            .into_iter()
            .map(|history| history.record)
            .collect());
    }

    let mut lines: Vec<ManifestLine> = Vec::new();
    for history in histories
        .iter()
        .filter(|history| history.record.all_tried())
    {
        let Some(best) = history.record.best() else {
            continue;
        };
        let spec = history.search.whole(&best.values)?;
        let line = ManifestLine {
            id: run_id(&spec),
            spec,
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if !lines.is_empty() {
        write_manifest(&retrained, &lines)?;
        overall.begin(&[]);
        let round = run_all(
            &lines,
            &options.sweep(&retrained, &options.out),
            |progress| {
                on_progress(&overall.with(progress, true));
            },
        );
        trouble = only_runs_failed(round)?.or(trouble);
    }
    for history in &mut histories {
        history.retrained()?;
    }
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    Ok(histories
        .into_iter()
        .map(|history| history.record)
        .collect())
}

/// An error that leaves the other runs as they should be.
fn only_runs_failed<T>(round: Result<T, RunnerError>) -> Result<Option<RunnerError>, RunnerError> {
    match round {
        Ok(_) => Ok(None),
        Err(error @ RunnerError::Workers { .. }) => Ok(Some(error)),
        Err(error) => Err(error),
    }
}

impl SearchOptions {
    fn sweep(&self, manifest: &Path, out: &Path) -> SweepOptions {
        SweepOptions {
            program: self.program.clone(),
            manifest: manifest.to_owned(),
            out: out.to_owned(),
            jobs: self.jobs,
            device: self.device.clone(),
            data_dirs: self.data_dirs.clone(),
            checkpoint_every: self.checkpoint_every,
            tensorboard: self.tensorboard,
        }
    }
}

/// Refuses a folder with a search of the same experiment that is none of these; one that lacks some
/// of these will do.
fn refuse_others(searches: &[Search], folder: &SearchFolder) -> Result<(), RunnerError> {
    let experiments: HashSet<&str> = searches
        .iter()
        .map(|search| search.spec.experiment.as_str())
        .collect();
    for record in folder.find()? {
        let is_ours = |search: &Search| {
            search.spec == record.spec
                && search.search == record.search
                && search.settings == record.settings
        };
        if experiments.contains(record.spec.experiment.as_str()) && !searches.iter().any(is_ours) {
            return Err(RunnerError::OtherSearch {
                path: folder.history(&record.id),
            });
        }
    }
    Ok(())
}

/// The manifest of all trials that are known, each run once.
fn known(histories: &mut [History<'_>]) -> Result<Vec<ManifestLine>, RunnerError> {
    let (mut lines, mut seen) = (Vec::new(), HashSet::new());
    for history in histories {
        history.propose()?;
        lines.extend(
            history
                .lines
                .iter()
                .filter(|line| seen.insert(line.id.clone()))
                .cloned(),
        );
    }
    Ok(lines)
}

/// A search and how far it is.
struct History<'a> {
    search: &'a Search,
    folder: &'a SearchFolder,
    record: SearchRecord,
    /// Values and run of every trial that is known, finished or not.
    values: Vec<BTreeMap<String, Value>>,
    lines: Vec<ManifestLine>,
}

impl<'a> History<'a> {
    fn read(search: &'a Search, folder: &'a SearchFolder) -> Result<Self, RunnerError> {
        let new = || SearchRecord {
            format: SearchRecord::FORMAT,
            id: search.id.clone(),
            search: search.search.clone(),
            spec: search.spec.clone(),
            settings: search.settings.clone(),
            trials: Vec::new(),
            best_trial: None,
            retrained: None,
        };
        let record = folder.read(&search.id)?.unwrap_or_else(new);
        for trial in &record.trials {
            if !(1..=search.search.trials).contains(&trial.trial)
                || run_id(&search.trial(&trial.values)?) != trial.run
            {
                let reason = format!(
                    "trial {} is none of this search; remove the folder and search again",
                    trial.trial
                );
                return Err(RecordError::Malformed {
                    path: folder.history(&search.id),
                    line: None,
                    reason,
                }
                .into());
            }
        }
        Ok(Self {
            search,
            folder,
            record,
            values: Vec::new(),
            lines: Vec::new(),
        })
    }

    /// Goes on with the trials that are known: all those drawn at random, and the one after the
    /// last of a series.
    fn propose(&mut self) -> Result<(), RunnerError> {
        let Self {
            search,
            record,
            values,
            lines,
            ..
        } = self;
        let series = record
            .trials
            .iter()
            .zip(1..)
            .take_while(|(trial, number)| trial.trial == *number)
            .count();
        let last = match search.search.sampler {
            Sampler::Random => search.search.trials,
            Sampler::Tpe => (series + 1).max(STARTUP_TRIALS).min(search.search.trials),
        };
        for number in values.len() + 1..=last {
            let recorded = record.trials.iter().find(|trial| trial.trial == number);
            let tried = match recorded {
                Some(trial) => trial.values.clone(),
                None => {
                    let told = &record.trials[..series.min(number - 1)];
                    sampler::values(
                        &search.search,
                        &search.settings,
                        search.spec.seed,
                        number,
                        told,
                    )?
                }
            };
            let spec = search.trial(&tried)?;
            lines.push(ManifestLine {
                id: run_id(&spec),
                spec,
            });
            values.push(tried);
        }
        Ok(())
    }

    /// Takes up the trials that have finished, those of one run or all, and writes the history
    /// where it grew.
    fn collect(&mut self, run: Option<&str>) -> Result<(), RunnerError> {
        let before = self.record.trials.len();
        for (index, line) in self.lines.iter().enumerate() {
            let number = index + 1;
            let known = self.record.trials.iter().any(|trial| trial.trial == number);
            if known || run.is_some_and(|run| run != line.id) {
                continue;
            }
            let Some(RunRecord { status, last, .. }) =
                RunFolder::new(self.folder.trials().join(&line.id)).record()?
            else {
                continue;
            };
            let accuracy = last
                .and_then(|last| last.validation_accuracy)
                .filter(|_| status == Status::Completed);
            self.record.trials.push(TrialRecord {
                trial: number,
                values: self.values[index].clone(),
                run: line.id.clone(),
                status,
                validation_accuracy: accuracy,
                best_so_far: None,
            });
        }
        if self.record.trials.len() > before {
            self.record.settle();
            self.folder.write(&self.record)?;
        }
        Ok(())
    }

    /// Takes up the retrained run.
    fn retrained(&mut self) -> Result<(), RunnerError> {
        let Some(best) = self.record.best() else {
            return Ok(());
        };
        let run = run_id(&self.search.whole(&best.values)?);
        let Some(RunRecord { status, last, .. }) =
            RunFolder::new(self.folder.runs().join(&run)).record()?
        else {
            return Ok(());
        };
        let test = last
            .and_then(|last| last.test)
            .filter(|_| status == Status::Completed);
        let retrained = Some(RetrainedRecord {
            run,
            status,
            test_accuracy: test.map(|test| test.accuracy),
        });
        if self.record.retrained != retrained {
            self.record.retrained = retrained;
            self.folder.write(&self.record)?;
        }
        Ok(())
    }
}

/// Progress of all rounds together.
struct Overall {
    started: Instant,
    runs: usize,
    trials: usize,
    epochs: usize,
    /// Epochs of runs that no manifest has yet.
    future: usize,
    /// Epochs made in earlier rounds, and in this one.
    made: [usize; 2],
}

impl Overall {
    fn new(searches: &[Search]) -> Self {
        let trials = searches.iter().map(|search| search.search.trials).sum();
        let epochs = |search: &Search| {
            let whole = search.spec.training.epochs;
            search.search.trials * search.search.trial_epochs(whole) + whole
        };
        let epochs = searches.iter().map(epochs).sum();
        Self {
            started: Instant::now(),
            runs: trials + searches.len(),
            trials,
            epochs,
            future: epochs,
            made: [0; 2],
        }
    }

    fn begin(&mut self, lines: &[ManifestLine]) {
        let known: usize = lines.iter().map(|line| line.spec.training.epochs).sum();
        self.future = self.epochs.saturating_sub(known);
        self.made = [self.made.iter().sum(), 0];
    }

    fn with(&mut self, round: &SweepProgress, retraining: bool) -> SweepProgress {
        let [finished, future] = if retraining {
            [self.trials, 0]
        } else {
            [0, self.future]
        };
        let left = future + round.epochs.1.saturating_sub(round.epochs.0);
        self.made[1] = round.epochs.0;
        let made: usize = self.made.iter().sum();
        SweepProgress {
            finished: (finished + round.finished).min(self.runs),
            runs: self.runs,
            epochs: (self.epochs.saturating_sub(left), self.epochs),
            remaining: (made > 0)
                .then(|| self.started.elapsed().mul_f64(left as f64 / made as f64)),
            ended: round.ended.clone(),
            failed: round.failed.clone(),
        }
    }
}
