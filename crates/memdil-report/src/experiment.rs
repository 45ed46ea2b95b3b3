//! An experiment file as the report needs it: claims, texts and figures, plan.

use std::collections::HashSet;

use memdil_claims::{Claim, Declaration, ExactRule, Family, Finished, PanelPredictions, Test};
use memdil_records::RunSpec;
use serde::Deserialize;

use crate::claims::{cross_entropy_limit, declared, quarter_power, smoothing_below_cross_entropy};
use crate::error::ReportError;
use crate::figures;
use crate::layer_peeled::{self, Descent};
use crate::runs::Run;
use crate::theory::Theory;

/// An experiment file as the report needs it.
#[derive(Clone, Debug)]
pub struct ReportedExperiment {
    /// Name of the experiment.
    pub name: String,
    /// Its `[report]` table.
    pub page: Page,
    /// Its `[[claim]]` tables.
    pub declarations: Vec<Declaration>,
    /// The preset whose runs are judged.
    pub preset: Option<String>,
    /// The planned runs; after a search the specifications that were searched around.
    pub planned: Vec<RunSpec>,
}

/// Texts and figures of an experiment's section: the `[report]` table of its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Page {
    /// Heading; the name of the experiment where it is left out.
    pub title: Option<String>,
    /// Sections are in the order of these numbers; those without one come last.
    pub place: Option<u32>,
    /// The question, and how it is answered.
    pub question: String,
    /// How to read the section of an experiment without claims.
    pub shows: String,
    /// Differences from the paper.
    pub differs: String,
    /// Names of figures, in their order; without the list those that runs of any kind have.
    pub figures: Option<Vec<String>>,
}

impl Page {
    /// Reads a `[report]` table.
    ///
    /// # Errors
    ///
    /// [`ReportError::Page`] when it has an unknown key, or names a figure that does not exist.
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
                    "there is no figure '{name}': there are {known}"
                )));
            }
            if !seen.insert(name) {
                return Err(bad(format!("figure '{name}' is named twice")));
            }
        }
        Ok(page)
    }
}

impl ReportedExperiment {
    /// Claims about the solved models.
    fn rules(&self) -> impl Iterator<Item = (&Declaration, ExactRule, f64)> {
        let tested = |claim: &&Declaration| claim.is_tested_by(self.preset.as_deref());
        let tested = self.declarations.iter().filter(tested);
        tested.filter_map(|claim| match &claim.test {
            Test::Exact(exact) => Some((claim, exact.rule, exact.bound)),
            _ => None,
        })
    }

    /// True when the memorization-dilation model has to be solved for a claim or a figure.
    pub(crate) fn needs_theory(&self) -> bool {
        let figure = |name: &String| figures::THEORY.contains(&name.as_str());
        self.page.figures.iter().flatten().any(figure)
            || self
                .rules()
                .any(|(_, rule, _)| rule != ExactRule::DescentReachesMinimum)
    }

    /// The verdicts on its claims, and what the model predicts for its runs.
    pub(crate) fn judge(
        &self,
        runs: &[Run],
        descents: &[Descent],
        theory: Option<&Theory>,
    ) -> Result<(Vec<Claim>, Vec<PanelPredictions>), ReportError> {
        let own = runs
            .iter()
            .filter(|run| run.record.spec.experiment == self.name);
        let own = own.map(|run| Finished {
            planned: run.planned(),
            record: &run.record,
            folder: &run.folder,
        });
        let finished: Vec<Finished<'_>> = own.collect();
        let (mut claims, mut predictions) = (Vec::new(), Vec::new());
        for family in Family::of(&self.declarations, self.preset.as_deref(), &self.planned)? {
            claims.extend(family.judge(&finished)?);
            predictions.extend(family.predictions(&finished)?);
        }
        for (declaration, rule, bound) in self.rules() {
            let outcome = match (rule, theory) {
                (ExactRule::DescentReachesMinimum, _) => layer_peeled::claim(descents, bound),
                (_, Some(theory)) => Some(decide(theory, rule, bound)),
                (_, None) => None,
            };
            claims.extend(outcome.map(|outcome| declared(&self.name, declaration, outcome)));
        }
        Ok((claims, predictions))
    }
}

/// The outcome of a rule about the memorization-dilation model.
fn decide(theory: &Theory, rule: ExactRule, bound: f64) -> Claim {
    match rule {
        ExactRule::LsSlope => quarter_power(theory.curves.smoothing_by_decay(), bound),
        ExactRule::CeLimit => cross_entropy_limit(&theory.curves.vanishing, bound),
        // The other rule is about another model.
        ExactRule::LsBelowCe | ExactRule::DescentReachesMinimum => {
            let phase = &theory.phase;
            smoothing_below_cross_entropy(&phase.grid, bound, phase.deviation)
        }
    }
}
