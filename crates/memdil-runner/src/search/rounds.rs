//! Runs searches: rounds of trials, then the retrained runs.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use memdil_records::{
    ManifestLine, RunSpec, SearchFolder, SearchRecord, create_dir, run_id, write_manifest,
};

use crate::error::RunnerError;
use crate::search::history::History;
use crate::search::plan::Search;
use crate::search::progress::Overall;
use crate::sweep::manifest::{check_inputs, run_all};
use crate::sweep::options::{SweepOptions, Workers};
use crate::sweep::progress::SweepProgress;

/// The options of [`run_searches`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SearchOptions {
    /// The worker processes.
    pub workers: Workers,
    /// The folder for the retrained runs and for `search/`.
    pub out: PathBuf,
    /// Only run the search with this index, counted from 0.
    pub index: Option<usize>,
    /// Only write the manifest of the trials that are known so far.
    pub plan: bool,
}

impl SearchOptions {
    /// Options to run all searches with their results in `out`.
    pub fn new(workers: Workers, out: impl Into<PathBuf>) -> Self {
        Self {
            workers,
            out: out.into(),
            index: None,
            plan: false,
        }
    }
}

/// Runs the unfinished trials of the searches, then retrains the best of each, and returns the
/// histories. Progress counts trials and retrained runs.
///
/// The trials of a `random` search are all known at the start; `jobs` of them run at the same time.
/// The trials of a `tpe` search run in sequence, with several searches in parallel. A diverged
/// trial stays in the history, ranks last, and is not repeated. An interrupted call resumes with
/// the same trials when it is repeated with the same searches, and the histories are the same bytes
/// as without the interruption.
///
/// # Errors
///
/// [`RunnerError::OtherSearch`] if the folder has searches of this experiment with other settings;
/// [`RunnerError::NoSuchSearch`]; invalid data or an invalid device, before the first trial. The
/// errors of [`run_all`] are returned after the searches whose runs succeeded have been completed.
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
    check_searches(chosen, options)?;
    let histories = chosen
        .iter()
        .map(|search| History::read(search, &folder))
        .collect::<Result<Vec<_>, _>>()?;
    create_dir(&folder.trials())?;
    let ids = chosen.iter().map(|search| search.id.as_str());
    folder.remove_temporary(ids, options.index)?;
    let mut rounds = Rounds {
        options,
        folder: &folder,
        histories,
        overall: Overall::new(chosen),
        on_progress: &mut on_progress,
    };
    let failure = rounds.try_all()?;
    if !options.plan {
        let failure = rounds.retrain()?.or(failure);
        for history in &mut rounds.histories {
            history.collect_retrained()?;
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
    }
    let records = rounds.histories.into_iter().map(|history| history.record);
    Ok(records.collect())
}

/// Checks the data of all runs, including the retrained ones, so that an error is found before
/// hours of trials.
fn check_searches(searches: &[Search], options: &SearchOptions) -> Result<(), RunnerError> {
    let specs = searches.iter().flat_map(|search| {
        let none = BTreeMap::new();
        [search.trial(&none), search.whole(&none)]
    });
    let specs = specs.collect::<Result<Vec<RunSpec>, _>>()?;
    check_inputs(specs.iter(), &options.workers.run)
}

/// Refuses a folder with another search of the same experiment. The folder need not contain all of
/// these searches.
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

/// Searches in progress.
struct Rounds<'a> {
    options: &'a SearchOptions,
    folder: &'a SearchFolder,
    histories: Vec<History<'a>>,
    overall: Overall,
    on_progress: &'a mut dyn FnMut(&SweepProgress),
}

impl Rounds<'_> {
    /// Runs rounds of trials until all trials are finished or a round fails. A failed run does not
    /// stop the other runs of its round; its error is returned in `Ok`.
    fn try_all(&mut self) -> Result<Option<RunnerError>, RunnerError> {
        let [trials, _] = self.folder.manifests(self.options.index);
        loop {
            let lines = self.known()?;
            if self.histories.iter().all(|h| h.record.all_tried()) {
                return Ok(None);
            }
            write_manifest(&trials, &lines)?;
            if self.options.plan {
                return Ok(None);
            }
            let failure = self.round(&trials, &lines)?;
            for history in &mut self.histories {
                history.collect(None)?;
            }
            if failure.is_some() {
                return Ok(failure);
            }
        }
    }

    /// The manifest of all proposed trials, without duplicate runs.
    fn known(&mut self) -> Result<Vec<ManifestLine>, RunnerError> {
        let (mut lines, mut seen) = (Vec::new(), HashSet::new());
        for history in &mut self.histories {
            history.propose()?;
            let new = history.lines.iter();
            let new = new.filter(|line| seen.insert(line.id.clone()));
            lines.extend(new.cloned());
        }
        Ok(lines)
    }

    /// Runs trials, and adds each to its history when it ends.
    fn round(
        &mut self,
        manifest: &Path,
        lines: &[ManifestLine],
    ) -> Result<Option<RunnerError>, RunnerError> {
        let options = self.sweep(manifest, &self.folder.trials());
        self.overall.begin(lines);
        let mut failed = None;
        let round = run_all(lines, &options, |progress| {
            if let Some((run, _)) = &progress.ended {
                let mut histories = self.histories.iter_mut();
                let written = histories.try_for_each(|history| history.collect(Some(run)));
                failed = written.err().or(failed.take());
            }
            (self.on_progress)(&self.overall.with(progress, false));
        });
        match failed {
            Some(error) => Err(error),
            None => only_runs_failed(round),
        }
    }

    /// Retrains the best trial of each search whose trials are all finished.
    fn retrain(&mut self) -> Result<Option<RunnerError>, RunnerError> {
        let mut lines: Vec<ManifestLine> = Vec::new();
        for history in self.histories.iter().filter(|h| h.record.all_tried()) {
            let Some(best) = history.record.best() else {
                continue;
            };
            let spec = history.search.whole(&best.values)?;
            let id = run_id(&spec);
            let line = ManifestLine { id, spec };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let [_, retrained] = self.folder.manifests(self.options.index);
        write_manifest(&retrained, &lines)?;
        self.overall.begin(&[]);
        let options = self.sweep(&retrained, &self.options.out);
        only_runs_failed(run_all(&lines, &options, |progress| {
            (self.on_progress)(&self.overall.with(progress, true));
        }))
    }

    fn sweep(&self, manifest: &Path, out: &Path) -> SweepOptions {
        SweepOptions::new(self.options.workers.clone(), manifest, out)
    }
}

/// Moves an error of single runs, which does not affect the other runs, into `Ok`.
fn only_runs_failed<T>(round: Result<T, RunnerError>) -> Result<Option<RunnerError>, RunnerError> {
    match round {
        Ok(_) => Ok(None),
        Err(error @ RunnerError::Workers { .. }) => Ok(Some(error)),
        Err(error) => Err(error),
    }
}
