//! The inputs shared by all sections.

use std::collections::{BTreeMap, BTreeSet};

use crate::claims::JudgedClaim;
use crate::experiment::{ModelComparisons, Page};
use crate::options::ReportOptions;
use crate::runs::distinct;
use crate::sources::Sources;
use crate::theory::Theory;

/// The experiment whose section compares trained free features with the closed form.
pub(super) const LAYER_PEELED: &str = "layer-peeled";
/// The section of the solved models, unless an experiment file names another.
pub(super) const SOLVED: &str = "md-theory";

/// The inputs shared by all sections.
pub(super) struct SectionInputs<'a> {
    pub(super) sources: &'a Sources,
    pub(super) options: &'a ReportOptions,
    pub(super) theory: Option<&'a Theory>,
    /// By experiment.
    pub(super) comparisons: BTreeMap<&'a str, ModelComparisons>,
    pub(super) judged: Vec<JudgedClaim<'a>>,
}

impl SectionInputs<'_> {
    /// True if the report shows only features of other programs.
    pub(super) fn is_measured_only(&self) -> bool {
        self.sources.provenance().is_empty()
            && self.sources.trained.searches.is_empty()
            && self.judged.is_empty()
            && !self.options.features.is_empty()
    }

    /// The `[report]` table of an experiment whose file was given.
    pub(super) fn page(&self, experiment: &str) -> Option<&Page> {
        let mut all = self.options.experiments.iter();
        all.find(|one| one.name == experiment).map(|one| &one.page)
    }

    /// The names of the experiments in the order of their sections.
    pub(super) fn experiments(&self) -> Vec<&str> {
        let mut names = self.trained();
        names.extend(self.judged.iter().map(JudgedClaim::experiment));
        if !self.sources.descents.is_empty() {
            names.insert(LAYER_PEELED);
        }
        if self.options.theory {
            names.insert(SOLVED);
        }
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_by_key(|name| {
            let place = self.page(name).and_then(|page| page.place);
            place.unwrap_or(u32::MAX)
        });
        names
    }

    /// The experiments that have runs or searches.
    pub(super) fn trained(&self) -> BTreeSet<&str> {
        let runs = self.sources.trained.runs.iter().map(|run| &run.record.spec);
        let searches = self
            .sources
            .trained
            .searches
            .iter()
            .map(|search| &search.spec);
        let specs = runs.chain(searches);
        specs.map(|spec| spec.experiment.as_str()).collect()
    }

    /// The experiments that have runs but no verdict.
    pub(super) fn unjudged(&self) -> Vec<&str> {
        let runs = self.sources.trained.runs.iter();
        let mut names = distinct(runs.map(|run| run.record.spec.experiment.as_str()));
        let judged = self.judged.iter().map(JudgedClaim::experiment);
        names.retain(|name| judged.clone().all(|judged| judged != *name));
        names
    }
}
