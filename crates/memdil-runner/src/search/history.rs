//! The history of a search: proposed and finished trials, and the retrained run.

use std::collections::BTreeMap;

use memdil_records::{
    ManifestLine, RecordError, RetrainedRecord, RunFolder, RunRecord, Sampler, SearchFolder,
    SearchRecord, Status, TrialRecord, run_id,
};
use serde_json::Value;

use crate::error::RunnerError;
use crate::search::plan::Search;
use crate::search::sampler::{self, STARTUP_TRIALS};

/// A search in progress.
pub(crate) struct History<'a> {
    pub(crate) search: &'a Search,
    folder: &'a SearchFolder,
    pub(crate) record: SearchRecord,
    /// The values and runs of all proposed trials, finished or not.
    values: Vec<BTreeMap<String, Value>>,
    pub(crate) lines: Vec<ManifestLine>,
}

impl<'a> History<'a> {
    pub(crate) fn read(search: &'a Search, folder: &'a SearchFolder) -> Result<Self, RunnerError> {
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
                    "trial {} does not belong to this search; remove the folder and search again",
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

    /// Proposes further trials: all trials that are drawn at random, and for `tpe` also the trial
    /// after the uninterrupted series of finished trials.
    pub(crate) fn propose(&mut self) -> Result<(), RunnerError> {
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
            let proposed = match recorded {
                Some(trial) => trial.values.clone(),
                None => {
                    let earlier = &record.trials[..series.min(number - 1)];
                    let (space, seed) = (&search.search, search.spec.seed);
                    sampler::values(space, &search.settings, seed, number, earlier)?
                }
            };
            let spec = search.trial(&proposed)?;
            lines.push(ManifestLine {
                id: run_id(&spec),
                spec,
            });
            values.push(proposed);
        }
        Ok(())
    }

    /// Adds finished trials to the history: those of one run, or all if `run` is `None`. Writes the
    /// history if it has changed.
    pub(crate) fn collect(&mut self, run: Option<&str>) -> Result<(), RunnerError> {
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

    /// Adds the retrained run to the history, if it has finished.
    pub(crate) fn collect_retrained(&mut self) -> Result<(), RunnerError> {
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
