//! The parts of an experiment file that the report uses: claims, texts and figures, planned runs.

use std::collections::HashSet;

use memdil_claims::{
    Claim, Declaration, ExactRule, Family, Finished, PanelPredictions, PanelSlopes, Test,
};
use memdil_records::RunSpec;
use serde::Deserialize;

use crate::claims::{
    cross_entropy_limit, quarter_power, smoothing_below_cross_entropy, with_declaration,
};
use crate::error::ReportError;
use crate::figures;
use crate::layer_peeled::{self, Descent};
use crate::runs::Run;
use crate::theory::Theory;

/// The parts of an experiment file that the report uses.
#[derive(Clone, Debug)]
pub struct ReportedExperiment {
    /// Name of the experiment.
    pub name: String,
    /// Its `[report]` table.
    pub page: Page,
    /// Its `[[claim]]` tables.
    pub declarations: Vec<Declaration>,
    /// The preset whose runs are tested.
    pub preset: Option<String>,
    /// The planned runs; for a search, the specification from which the search started.
    pub planned: Vec<RunSpec>,
}

/// The texts and figures of an experiment's section: the `[report]` table of its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Page {
    /// Heading; defaults to the name of the experiment.
    pub title: Option<String>,
    /// Sorts the sections; sections without this number come last.
    pub place: Option<u32>,
    /// The research question and the method.
    pub question: String,
    /// How to read the section of an experiment without claims.
    pub shows: String,
    /// Differences from the paper.
    pub differs: String,
    /// Names of the figures, in order; defaults to the figures that suit any kind of run.
    pub figures: Option<Vec<String>>,
}

impl Page {
    /// Reads a `[report]` table.
    ///
    /// # Errors
    ///
    /// [`ReportError::Page`] if the table has an unknown key or names an unknown figure.
    ///
    /// ```
    /// use memdil_report::Page;
    ///
    /// let read = |text: &str| Page::read(&text.parse::<toml::Table>().unwrap());
    /// assert_eq!(read("figures = ['epochs']").unwrap().figures.unwrap(), ["epochs"]);
    /// assert!(read("figures = ['epoch']").unwrap_err().to_string().contains("'epoch'"));
    /// ```
    pub fn read(table: &toml::Table) -> Result<Self, ReportError> {
        let bad = |reason: String| ReportError::Page { reason };
        let first_line = |error: toml::de::Error| {
            let line = error.message().lines().next();
            bad(line.unwrap_or_default().to_owned())
        };
        let page: Self = table.clone().try_into().map_err(first_line)?;
        let mut seen = HashSet::new();
        for name in page.figures.iter().flatten() {
            let known = figures::names();
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                return Err(bad(format!(
                    "unknown figure '{name}'; must be one of {known}"
                )));
            }
            if !seen.insert(name) {
                return Err(bad(format!("figure '{name}' is listed twice")));
            }
        }
        Ok(page)
    }
}

impl ReportedExperiment {
    /// The claims about the solved models, with their rules and bounds.
    fn exact_claims(&self) -> impl Iterator<Item = (&Declaration, ExactRule, f64)> {
        let tested = |claim: &&Declaration| claim.is_tested_by(self.preset.as_deref());
        let tested = self.declarations.iter().filter(tested);
        tested.filter_map(|claim| match &claim.test {
            Test::Exact(exact) => Some((claim, exact.rule, exact.bound)),
            _ => None,
        })
    }

    /// True if a claim or a figure needs the solved memorization-dilation model.
    pub(crate) fn needs_theory(&self) -> bool {
        let figure = |name: &String| figures::THEORY.contains(&name.as_str());
        self.page.figures.iter().flatten().any(figure)
            || self
                .exact_claims()
                .any(|(_, rule, _)| rule != ExactRule::DescentReachesMinimum)
    }

    /// The verdicts on the claims, and the comparisons of runs with the memorization-dilation model.
    pub(crate) fn judge(
        &self,
        runs: &[Run],
        descents: &[Descent],
        theory: Option<&Theory>,
    ) -> Result<(Vec<Claim>, ModelComparisons), ReportError> {
        let own = runs
            .iter()
            .filter(|run| run.record.spec.experiment == self.name);
        let own = own.map(|run| Finished {
            planned: run.planned(),
            record: &run.record,
            folder: &run.folder,
        });
        let finished: Vec<Finished<'_>> = own.collect();
        let (mut claims, mut compared) = (Vec::new(), ModelComparisons::default());
        for family in Family::of(&self.declarations, self.preset.as_deref(), &self.planned)? {
            claims.extend(family.judge(&finished)?);
            compared.predictions.extend(family.predictions(&finished)?);
            compared.slopes.extend(family.slopes(&finished)?);
        }
        for (declaration, rule, bound) in self.exact_claims() {
            let outcome = match (rule, theory) {
                (ExactRule::DescentReachesMinimum, _) => layer_peeled::claim(descents, bound),
                (_, Some(theory)) => Some(decide(theory, rule, bound)),
                (_, None) => None,
            };
            claims
                .extend(outcome.map(|outcome| with_declaration(&self.name, declaration, outcome)));
        }
        Ok((claims, compared))
    }
}

/// Comparisons of runs with the memorization-dilation model, from the claims that need them.
#[derive(Debug, Default)]
pub(crate) struct ModelComparisons {
    pub(crate) predictions: Vec<PanelPredictions>,
    pub(crate) slopes: Vec<PanelSlopes>,
}

/// The outcome of a rule about the memorization-dilation model.
fn decide(theory: &Theory, rule: ExactRule, bound: f64) -> Claim {
    match rule {
        ExactRule::LsSlope => quarter_power(theory.curves.smoothing_by_decay(), bound),
        ExactRule::CeLimit => cross_entropy_limit(&theory.curves.vanishing, bound),
        // `judge` decides `DescentReachesMinimum`, which concerns the layer-peeled model.
        ExactRule::LsBelowCe | ExactRule::DescentReachesMinimum => {
            let phase = &theory.phase;
            smoothing_below_cross_entropy(&phase.grid, bound, phase.deviation)
        }
    }
}
