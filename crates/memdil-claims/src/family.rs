//! The claims of one experiment and data set: what is tested together, and its verdicts.

use std::collections::BTreeMap;

use memdil_records::RunSpec;

use crate::design::{Cell, Panel, Plan, Unit};
use crate::finished::{Finished, Run, Runs};
use crate::measured::{Measured, Scope, collect};
use crate::stats::{detectable_effect, holm};
use crate::text::count;
use crate::{
    Claim, ClaimError, Declaration, Expect, LEVEL, POWER, PanelPredictions, PredictedRun,
    SEEDS_NEEDED, Test, prediction,
};

/// The tests of one experiment, data set and preset. Its members follow from the file alone, so
/// that nothing else can change a verdict.
pub struct Family<'a> {
    experiment: String,
    source: String,
    plan: Plan<'a>,
    claims: Vec<(&'a Declaration, Vec<Panel>)>,
}

/// A test of a family, as `memdil sweep plan` prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedTest {
    /// The id that its verdict will have.
    pub id: String,
    /// Seeds that are planned in every cell.
    pub seeds: usize,
    /// The smallest effect, in standard deviations between seeds, that is found with 80% power
    /// after correction, rounded up to a tenth; `None` for fewer than six seeds, which decide nothing.
    pub detectable: Option<f64>,
}

impl<'a> Family<'a> {
    /// The families of an experiment: one for each data set among the planned runs.
    ///
    /// `preset` leaves out the claims of other presets. Claims about the solved models are in no
    /// family.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Declaration`] when a claim names a quantity, a setting or a level that does not
    /// exist, or no planned run has the partner that its test needs.
    pub fn of(
        declarations: &'a [Declaration],
        preset: Option<&str>,
        planned: &'a [RunSpec],
    ) -> Result<Vec<Self>, ClaimError> {
        let tested: Vec<&Declaration> = declarations
            .iter()
            .filter(|claim| claim.is_tested_by(preset) && !matches!(claim.test, Test::Exact { .. }))
            .collect();
        for claim in declarations {
            claim.check()?;
        }
        if let (Some(claim), true) = (tested.first(), planned.is_empty()) {
            return Err(ClaimError::declaration(&claim.id, "no run is planned"));
        }
        let sourceless = |claim: &&&Declaration| {
            !planned
                .iter()
                .any(|spec| claim.runs.is_about_source(spec.data.source.name()))
        };
        if let Some(claim) = tested.iter().find(sourceless) {
            let reason = "where: no planned run has this data.source";
            return Err(ClaimError::declaration(&claim.id, reason));
        }
        let mut sources: BTreeMap<(&str, &str), Vec<&RunSpec>> = BTreeMap::new();
        for spec in planned {
            sources
                .entry((&spec.experiment, spec.data.source.name()))
                .or_default()
                .push(spec);
        }
        let family = |((experiment, source), specs): ((&str, &str), Vec<&'a RunSpec>)| {
            let plan = Plan::new(specs);
            // A claim may be about some of the data sets.
            let about = |claim: &&&'a Declaration| claim.runs.is_about_source(source);
            let panels = |claim: &&'a Declaration| Ok((*claim, plan.panels(claim)?));
            let claims = tested
                .iter()
                .filter(about)
                .map(panels)
                .collect::<Result<_, ClaimError>>()?;
            Ok(Self {
                experiment: experiment.to_owned(),
                source: source.to_owned(),
                plan,
                claims,
            })
        };
        sources.into_iter().map(family).collect()
    }

    /// The experiment.
    pub fn experiment(&self) -> &str {
        &self.experiment
    }

    /// The data set.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The members in the order of the file.
    fn members(&self) -> Vec<(&'a Declaration, String, Scope<'_>)> {
        let mut members = Vec::new();
        for (claim, panels) in &self.claims {
            let id = format!("{}/{}/{}", self.experiment, self.source, claim.id);
            let enough: Vec<&Panel> = panels
                .iter()
                .filter(|panel| panel.seeds().len() >= SEEDS_NEEDED)
                .collect();
            // Panels that can decide nothing are shown only where all are of this kind.
            let shown: Vec<&Panel> = if enough.is_empty() {
                panels.iter().collect()
            } else {
                enough
            };
            let several = shown.len() > 1;
            for panel in &shown {
                let id = if several {
                    format!("{id}/{}", panel.slug)
                } else {
                    id.clone()
                };
                members.push((*claim, id, Scope::Panel(panel)));
            }
            if several {
                members.push((*claim, format!("{id}/mean"), Scope::Mean(shown)));
            }
        }
        members
    }

    /// The panels of a claim that have too few seeds beside others that have enough.
    fn untested(&self, claim: &Declaration) -> Option<String> {
        let (_, panels) = self
            .claims
            .iter()
            .find(|(other, _)| std::ptr::eq(*other, claim))?;
        let (enough, few): (Vec<&Panel>, Vec<&Panel>) = panels
            .iter()
            .partition(|panel| panel.seeds().len() >= SEEDS_NEEDED);
        let names: Vec<&str> = few.iter().map(|panel| panel.label.as_str()).collect();
        (!enough.is_empty() && !few.is_empty()).then(|| {
            format!(
                "Not tested, for fewer than {SEEDS_NEEDED} seeds: {}.",
                names.join("; ")
            )
        })
    }

    /// The number of tests that Holm's correction counts.
    pub fn size(&self) -> usize {
        self.members()
            .iter()
            .filter(|(_, _, scope)| scope.seeds().len() >= SEEDS_NEEDED)
            .count()
    }

    /// The tests with their seeds and what they can find.
    pub fn planned(&self) -> Vec<PlannedTest> {
        let level = LEVEL / self.size().max(1) as f64;
        // Most tests of a family have the same seeds and conditions.
        let mut known: BTreeMap<(usize, usize), Option<f64>> = BTreeMap::new();
        let mut planned = Vec::new();
        for (claim, id, scope) in self.members() {
            let (seeds, conditions) = (scope.seeds().len(), claim.test.conditions_tested().len());
            let detectable = *known.entry((seeds, conditions)).or_insert_with(|| {
                // All conditions must be found.
                let power = POWER.powf(1.0 / conditions as f64);
                let effect = detectable_effect(seeds, level, power)?;
                Some((effect * 10.0).ceil() / 10.0)
            });
            planned.push(PlannedTest {
                id,
                seeds,
                detectable: detectable.filter(|_| seeds >= SEEDS_NEEDED),
            });
        }
        planned
    }

    /// The verdicts if every unit of a cell had these values: one for each condition, or `None` for
    /// a missing one. For studies of power and of false alarms.
    ///
    /// `value` gets the id of the test, the label of the cell and the seed.
    pub fn judge_values(
        &self,
        mut value: impl FnMut(&str, &str, u64) -> Option<Vec<f64>>,
    ) -> Vec<Claim> {
        let mut measured = Vec::new();
        for (claim, id, scope) in self.members() {
            let mut of_cell = |cell: &Cell| {
                let values = cell
                    .units
                    .keys()
                    .filter_map(|seed| Some((*seed, value(&id, &cell.label, *seed)?)));
                Ok::<_, std::convert::Infallible>(values.collect())
            };
            let Ok((values, cells)) = collect(&scope, &mut of_cell);
            measured.push(Measured::with(claim, id, &scope, values, cells));
        }
        verdicts(measured)
    }

    /// The tests as text, a claim per line: its panels, seeds, and the smallest effect that is
    /// found.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<(String, Vec<String>, String)> = Vec::new();
        let prefix = format!("{}/{}/", self.experiment, self.source);
        for test in self.planned() {
            let id = test.id.strip_prefix(&prefix).unwrap_or(&test.id);
            let (claim, panel) = id.split_once('/').unwrap_or((id, ""));
            let found = match test.detectable {
                Some(effect) => format!("{effect:.1}"),
                None => format!("decides nothing: {SEEDS_NEEDED} seeds are needed"),
            };
            let facts = format!("{:>8}  {found}", count(test.seeds, "seed", "seeds"));
            match lines.last_mut() {
                Some((last, panels, same)) if *last == claim && *same == facts => {
                    panels.push(panel.to_owned());
                }
                _ => lines.push((claim.to_owned(), vec![panel.to_owned()], facts)),
            }
        }
        let line = |(claim, panels, facts): (String, Vec<String>, String)| {
            let panels = panels.join(", ");
            let place = if panels.is_empty() {
                claim
            } else {
                format!("{claim} ({panels})")
            };
            format!("  {place:<50} {facts}")
        };
        lines.into_iter().map(line).collect()
    }

    /// Expected side and bound of each condition, by the id of the test.
    pub fn conditions(&self) -> BTreeMap<String, Vec<(Expect, f64)>> {
        let sides = |(claim, id, _): (&Declaration, String, Scope<'_>)| {
            let conditions = claim.test.conditions_tested();
            (
                id,
                conditions
                    .iter()
                    .map(|condition| (condition.expect, condition.bound))
                    .collect(),
            )
        };
        self.members().into_iter().map(sides).collect()
    }

    /// The verdicts; none where no run of the data set is there.
    ///
    /// # Errors
    ///
    /// When epochs or features of a run cannot be read, or the model cannot be solved.
    pub fn judge(&self, finished: &[Finished<'_>]) -> Result<Vec<Claim>, ClaimError> {
        let runs = Runs::new(finished);
        if !self.plan.specs.iter().any(|spec| runs.get(spec).is_ok()) {
            return Ok(Vec::new());
        }
        let mut measured: Vec<Measured<'_>> = Vec::new();
        for (claim, id, scope) in self.members() {
            let mut member = match &scope {
                Scope::Panel(_) => Measured::new(claim, id, &scope, &self.plan, &runs)?,
                // Its panels are the members just before it.
                Scope::Mean(panels) => {
                    let first = measured.len() - panels.len();
                    Measured::mean(claim, id, &scope, &measured[first..])
                }
            };
            member.notes.extend(self.untested(claim));
            measured.push(member);
        }
        Ok(verdicts(measured))
    }

    /// What the claims about predictions predict, one entry per panel; seeds that lack a run are
    /// left out.
    ///
    /// # Errors
    ///
    /// When the model cannot be solved.
    pub fn predictions(
        &self,
        finished: &[Finished<'_>],
    ) -> Result<Vec<PanelPredictions>, ClaimError> {
        let runs = Runs::new(finished);
        let mut all = Vec::new();
        for (_, panels) in &self.claims {
            for panel in panels {
                let mut predicted = Vec::new();
                for unit in panel.cells.iter().flat_map(|cell| cell.units.values()) {
                    predicted.extend(predicted_of(unit, &self.plan, &runs)?);
                }
                if !predicted.is_empty() {
                    all.push(PanelPredictions {
                        panel: format!("{} {}", self.source, panel.label).trim().to_owned(),
                        runs: predicted,
                    });
                }
            }
        }
        Ok(all)
    }
}

/// The predictions of a unit; empty of one that predicts nothing.
fn predicted_of(
    unit: &Unit,
    plan: &Plan<'_>,
    runs: &Runs<'_>,
) -> Result<Vec<PredictedRun>, ClaimError> {
    let Unit::Prediction { fit, test } = unit else {
        return Ok(Vec::new());
    };
    let found = |numbers: &[usize]| {
        let found = numbers.iter().map(|&run| runs.get(plan.specs[run]).ok());
        found.collect::<Option<Vec<&Run<'_>>>>()
    };
    match (found(fit), found(test)) {
        (Some(fit), Some(test)) => Ok(prediction::predictions(&fit, &test)?.unwrap_or_default()),
        _ => Ok(Vec::new()),
    }
}

/// Corrects every p for the others of the family, then decides.
fn verdicts(measured: Vec<Measured<'_>>) -> Vec<Claim> {
    let counted: Vec<bool> = measured.iter().map(|m| m.planned >= SEEDS_NEEDED).collect();
    // A p that is missing is counted as 1.
    let tested = measured
        .iter()
        .zip(&counted)
        .filter(|(_, counted)| **counted);
    let p: Vec<f64> = tested.map(|(m, _)| m.largest_p().unwrap_or(1.0)).collect();
    let mut corrected = holm(&p).into_iter();
    let family = p.len();
    let judge = |(measured, counted): (Measured<'_>, bool)| {
        let p_holm = counted.then(|| corrected.next()).flatten();
        measured.claim(p_holm, family)
    };
    measured.into_iter().zip(counted).map(judge).collect()
}
