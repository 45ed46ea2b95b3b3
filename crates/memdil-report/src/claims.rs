//! The verdicts of the claims that experiments declare.

use memdil_claims::{Claim, Declaration, Family, Finished, Rule, Test};
use memdil_records::RunSpec;

use crate::layer_peeled::{self, Descent};
use crate::runs::Run;
use crate::theory::Theory;
use crate::{ReportError, exact};

/// An experiment file as the report needs it: what it claims and what it plans.
#[derive(Clone, Debug)]
pub struct ExperimentClaims {
    /// Name of the experiment.
    pub name: String,
    /// Its `[[claim]]` tables.
    pub declarations: Vec<Declaration>,
    /// The preset whose runs are judged.
    pub preset: Option<String>,
    /// The planned runs; after a search the specifications that were searched around.
    pub planned: Vec<RunSpec>,
}

impl ExperimentClaims {
    /// Claims about the solved models.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&Declaration, Rule, f64)> {
        let tested = |claim: &&Declaration| claim.is_tested_by(self.preset.as_deref());
        self.declarations
            .iter()
            .filter(tested)
            .filter_map(|claim| match claim.test {
                Test::Exact { rule, bound } => Some((claim, rule, bound)),
                _ => None,
            })
    }

    /// True when a claim needs the memorization-dilation model to be solved.
    pub(crate) fn needs_theory(&self) -> bool {
        self.rules()
            .any(|(_, rule, _)| rule != Rule::DescentReachesMinimum)
    }

    /// The planned runs and searches of this experiment.
    pub(crate) fn judge(
        &self,
        runs: &[Run],
        descents: &[Descent],
        theory: Option<&Theory<'_>>,
    ) -> Result<Vec<Claim>, ReportError> {
        let finished: Vec<Finished<'_>> = runs
            .iter()
            .filter(|run| run.record.spec.experiment == self.name)
            .map(|run| Finished {
                planned: run.planned(),
                record: &run.record,
                folder: &run.folder,
            })
            .collect();
        let mut claims = Vec::new();
        for family in Family::of(&self.declarations, self.preset.as_deref(), &self.planned)? {
            claims.extend(family.judge(&finished)?);
        }
        for (declaration, rule, bound) in self.rules() {
            let outcome = match (rule, theory) {
                (Rule::DescentReachesMinimum, _) => layer_peeled::claim(descents, bound),
                (_, Some(theory)) => Some(theory.claim(rule, bound)),
                (_, None) => None,
            };
            claims.extend(outcome.map(|outcome| exact::declared(&self.name, declaration, outcome)));
        }
        Ok(claims)
    }
}
