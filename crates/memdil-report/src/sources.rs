//! The contents of a folder of runs.

use memdil_records::Provenance;

use crate::error::ReportError;
use crate::layer_peeled::{self, Descent};
use crate::options::ReportOptions;
use crate::runs::{FolderRuns, Run, distinct, read_folder};
use crate::text::{count, date};

/// The contents of a folder of runs; empty if no folder was given.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) trained: FolderRuns,
    pub(crate) descents: Vec<Descent>,
}

impl Sources {
    pub(crate) fn read(options: &ReportOptions) -> Result<Self, ReportError> {
        let Some(folder) = &options.runs else {
            return Ok(Self::default());
        };
        Ok(Self {
            trained: read_folder(folder, &options.manifests)?,
            descents: layer_peeled::read(folder)?,
        })
    }

    pub(crate) fn diverged(&self) -> usize {
        let runs = self.trained.runs.iter();
        runs.filter(|run| run.diverged()).count()
    }

    /// Provenance and seconds of all runs and trainings.
    pub(crate) fn provenance(&self) -> Vec<(&Provenance, f64)> {
        provenance_of(&self.trained.runs, &self.descents)
    }

    /// Date, number of runs, number of seeds, data sets.
    pub(crate) fn facts(&self, measured: usize) -> Vec<String> {
        let (runs, provenance) = (&self.trained.runs, self.provenance());
        let measured =
            (measured > 0).then(|| count(measured, "network measured", "networks measured"));
        let Some(newest) = provenance.iter().map(|(p, _)| p.started_unix).max() else {
            let searches = self.trained.searches.len();
            return match searches {
                0 => measured.into_iter().collect(),
                _ => vec![count(
                    searches,
                    "search in progress",
                    "searches in progress",
                )],
            };
        };
        let mut facts = vec![date(newest)];
        if runs.is_empty() {
            facts.push(count(provenance.len(), "training run", "training runs"));
            facts.extend(measured);
            return facts;
        }
        facts.push(count(runs.len(), "run", "runs"));
        if self.diverged() > 0 {
            facts.push(format!("{} diverged", self.diverged()));
        }
        let seeds = distinct(runs.iter().map(Run::seed)).len();
        facts.push(count(seeds, "seed", "seeds"));
        let sources = runs.iter().map(|run| run.record.spec.data.source.name());
        facts.push(distinct(sources).join(", "));
        facts.extend(measured);
        facts
    }
}

/// Provenance and seconds of runs and of trainings of free features.
pub(crate) fn provenance_of<'a>(
    runs: impl IntoIterator<Item = &'a Run>,
    descents: &'a [Descent],
) -> Vec<(&'a Provenance, f64)> {
    let runs = runs
        .into_iter()
        .map(|run| (&run.record.provenance, run.record.seconds));
    let descents = descents
        .iter()
        .map(|one| (&one.record.provenance, one.record.seconds));
    runs.chain(descents).collect()
}
