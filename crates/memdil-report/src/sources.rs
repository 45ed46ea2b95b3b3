//! The contents of a folder of runs.

use memdil_records::{Provenance, SearchFolder, SearchRecord};

use crate::layer_peeled::{self, Descent};
use crate::options::ReportOptions;
use crate::runs::{self, Run, distinct};
use crate::text::{count, date};
use crate::{ReportError, search};

/// The contents of a folder of runs; empty without one.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) runs: Vec<Run>,
    /// Planned runs that have not finished.
    pub(crate) missing: Vec<String>,
    pub(crate) descents: Vec<Descent>,
    pub(crate) searches: Vec<SearchRecord>,
}

impl Sources {
    pub(crate) fn read(options: &ReportOptions) -> Result<Self, ReportError> {
        let Some(folder) = &options.runs else {
            return Ok(Self::default());
        };
        runs::check_folder(folder)?;
        let mut searches = SearchFolder::new(folder).find()?;
        search::sort(&mut searches);
        let runs = runs::read_runs(folder, &options.manifests, &searches)?;
        Ok(Self {
            missing: runs::missing(&runs, &options.manifests)?,
            descents: layer_peeled::read(folder)?,
            runs,
            searches,
        })
    }

    pub(crate) fn diverged(&self) -> usize {
        self.runs.iter().filter(|run| run.diverged()).count()
    }

    /// Where everything shown was made, and the seconds it took.
    pub(crate) fn made(&self) -> Vec<(&Provenance, f64)> {
        made(&self.runs, &self.descents)
    }

    /// Date, number of runs, seeds, data.
    pub(crate) fn facts(&self, measured: usize) -> Vec<String> {
        let Self { runs, searches, .. } = self;
        let made = self.made();
        let measured =
            (measured > 0).then(|| count(measured, "network measured", "networks measured"));
        let newest = made
            .iter()
            .map(|(provenance, _)| provenance.started_unix)
            .max();
        let Some(newest) = newest else {
            let under_way = count(searches.len(), "search under way", "searches under way");
            let under_way = (!searches.is_empty()).then_some(under_way);
            return under_way.or(measured).into_iter().collect();
        };
        let mut facts = vec![date(newest)];
        if runs.is_empty() {
            facts.push(count(made.len(), "training", "trainings"));
            facts.extend(measured);
            return facts;
        }
        facts.push(count(runs.len(), "run", "runs"));
        if self.diverged() > 0 {
            facts.push(format!("{} of them diverged", self.diverged()));
        }
        facts.push(count(distinct(runs, Run::seed).len(), "seed", "seeds"));
        facts.push(distinct(runs, |run| run.record.spec.data.source.name()).join(", "));
        facts.extend(measured);
        facts
    }
}

/// Where runs and trainings of free features were made, and the seconds they took.
pub(crate) fn made<'a>(runs: &'a [Run], descents: &'a [Descent]) -> Vec<(&'a Provenance, f64)> {
    let runs = runs.iter().map(|run| &run.record);
    let runs = runs.map(|record| (&record.provenance, record.seconds));
    let descents = descents.iter().map(|descent| &descent.record);
    let descents = descents.map(|record| (&record.provenance, record.seconds));
    runs.chain(descents).collect()
}
