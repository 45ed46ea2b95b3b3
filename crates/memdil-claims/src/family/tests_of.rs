//! The family of tests of one experiment and data set, and its verdicts.

use std::collections::BTreeMap;

use memdil_records::RunSpec;

use super::measured::Measured;
use super::member::{Scope, collect, not_tested};
use crate::declaration::effect::Expect;
use crate::declared::Declaration;
use crate::error::ClaimError;
use crate::kinds::kind::Cell;
use crate::kinds::kind::PlannedUnit;
use crate::kinds::prediction::PredictionTest;
use crate::kinds::prediction::competitors::PanelPredictions;
use crate::kinds::slope::PanelSlopes;
use crate::kinds::test::Test;
use crate::panels::Panel;
use crate::runs::finished::{Finished, FinishedRuns};
use crate::runs::no_value::NoValue;
use crate::runs::planned::PlannedRuns;
use crate::stats::{detectable_effect, holm};
use crate::text::count;
use crate::verdict::Claim;
use crate::{LEVEL, POWER, SEEDS_NEEDED};

/// The tests of one experiment, data set and preset. The experiment file alone determines the
/// members, so the correction for multiple tests does not depend on which runs have finished.
pub struct Family<'a> {
    experiment: String,
    source: String,
    planned: PlannedRuns<'a>,
    claims: Vec<(&'a Declaration, Vec<Panel>)>,
}

/// A test of a family, as `memdil sweep plan` prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedTest {
    /// The id of its verdict.
    pub id: String,
    /// The number of seeds planned in every cell.
    pub seeds: usize,
    /// The smallest effect, in standard deviations between seeds, that the test detects with 80%
    /// power after correction, rounded up to a tenth; `None` for fewer than six seeds, which
    /// are too few for a verdict.
    pub detectable: Option<f64>,
}

impl<'a> Family<'a> {
    /// The families of an experiment: one per data set of the planned runs.
    ///
    /// The claims of presets other than `preset` are excluded, and so are exact claims about
    /// the solved models.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Declaration`] if a claim names a quantity, a setting or a level that does not
    /// exist, or if no planned run has the partner that its test needs.
    pub fn of(
        declarations: &'a [Declaration],
        preset: Option<&str>,
        planned: &'a [RunSpec],
    ) -> Result<Vec<Self>, ClaimError> {
        let tested: Vec<&Declaration> = declarations
            .iter()
            .filter(|claim| claim.is_tested_by(preset) && !claim.is_exact())
            .collect();
        for claim in declarations {
            claim.check()?;
        }
        if let (Some(claim), true) = (tested.first(), planned.is_empty()) {
            return Err(ClaimError::declaration(&claim.id, "no run is planned"));
        }
        let mut specs_by_source: BTreeMap<(&str, &str), Vec<&RunSpec>> = BTreeMap::new();
        for spec in planned {
            let key = (&spec.experiment[..], spec.data.source.name());
            specs_by_source.entry(key).or_default().push(spec);
        }
        let about = |claim: &Declaration| {
            let mut sources = specs_by_source.keys().map(|(_, source)| source);
            sources.any(|source| claim.runs.is_about_source(source))
        };
        if let Some(claim) = tested.iter().find(|claim| !about(claim)) {
            let reason = "where: no planned run has this data.source";
            return Err(ClaimError::declaration(&claim.id, reason));
        }
        let mut families = Vec::new();
        for ((experiment, source), specs) in specs_by_source {
            let planned = PlannedRuns::new(specs);
            let mut claims = Vec::new();
            // A claim may cover only some of the data sets.
            for claim in tested
                .iter()
                .filter(|claim| claim.runs.is_about_source(source))
            {
                claims.push((*claim, Panel::all(&planned, claim)?));
            }
            families.push(Self {
                experiment: experiment.to_owned(),
                source: source.to_owned(),
                planned,
                claims,
            });
        }
        Ok(families)
    }

    /// The name of the experiment.
    pub fn experiment(&self) -> &str {
        &self.experiment
    }

    /// The name of the data set.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The members in the order of the file.
    fn members(&self) -> Vec<(&'a Declaration, String, Scope<'_>)> {
        let mut members = Vec::new();
        for (claim, panels) in &self.claims {
            let id = format!("{}/{}/{}", self.experiment, self.source, claim.id);
            let mut shown: Vec<&Panel> = panels.iter().filter(|panel| has_enough(panel)).collect();
            // Panels with too few seeds are shown only if no panel has enough.
            if shown.is_empty() {
                shown = panels.iter().collect();
            }
            let several = shown.len() > 1;
            for panel in &shown {
                let mut id = id.clone();
                if several {
                    id += &format!("/{}", panel.slug);
                }
                members.push((*claim, id, Scope::Panel(panel)));
            }
            if several {
                members.push((*claim, format!("{id}/mean"), Scope::Mean(shown)));
            }
        }
        members
    }

    /// A note on the panels of a claim that have too few seeds, if other panels have enough.
    fn untested(&self, claim: &Declaration) -> Option<String> {
        let mut claims = self.claims.iter();
        let (_, panels) = claims.find(|(other, _)| std::ptr::eq(*other, claim))?;
        let (enough, few): (Vec<&Panel>, Vec<&Panel>) =
            panels.iter().partition(|panel| has_enough(panel));
        if enough.is_empty() || few.is_empty() {
            return None;
        }
        Some(not_tested(few.iter().map(|panel| panel.label.as_str())))
    }

    /// The number of tests that Holm's correction counts.
    pub fn size(&self) -> usize {
        self.members()
            .iter()
            .filter(|(_, _, scope)| scope.seeds().len() >= SEEDS_NEEDED)
            .count()
    }

    /// The tests, with their seeds and the smallest effects that they detect.
    pub fn planned(&self) -> Vec<PlannedTest> {
        let level = LEVEL / self.size().max(1) as f64;
        // Most tests of a family have the same seeds and conditions.
        let mut known: BTreeMap<(usize, usize), Option<f64>> = BTreeMap::new();
        let mut planned = Vec::new();
        for (claim, id, scope) in self.members() {
            let (seeds, conditions) = (scope.seeds().len(), claim.kind().requirements().len());
            let detectable = *known.entry((seeds, conditions)).or_insert_with(|| {
                // The claim needs all conditions, so their powers multiply.
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

    /// The verdicts for given values, for studies of power and of false positives.
    ///
    /// `value` is called with the id of the test, the label of the cell and the seed. It
    /// returns one value per condition, or `None` for a missing unit.
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

    /// The tests as text, one line per claim: its panels, its seeds, and the smallest detectable
    /// effect.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<(String, Vec<String>, String)> = Vec::new();
        let prefix = format!("{}/{}/", self.experiment, self.source);
        for test in self.planned() {
            let id = test.id.strip_prefix(&prefix).unwrap_or(&test.id);
            let (claim, panel) = id.split_once('/').unwrap_or((id, ""));
            let found = match test.detectable {
                Some(effect) => format!("{effect:.1}"),
                None => format!("too few seeds for a verdict; at least {SEEDS_NEEDED} are needed"),
            };
            let facts = format!("{:>8}  {found}", count(test.seeds, "seed", "seeds"));
            match lines.last_mut() {
                Some((last, panels, same)) if *last == claim && *same == facts => {
                    panels.push(panel.to_owned());
                }
                _ => lines.push((claim.to_owned(), vec![panel.to_owned()], facts)),
            }
        }
        let mut text = Vec::new();
        for (claim, panels, facts) in lines {
            let panels = panels.join(", ");
            let place = match &panels[..] {
                "" => claim,
                panels => format!("{claim} ({panels})"),
            };
            text.push(format!("  {place:<50} {facts}"));
        }
        text
    }

    /// The expected side and the bound of each condition, by the id of the test.
    pub fn conditions(&self) -> BTreeMap<String, Vec<(Expect, f64)>> {
        let mut sides = BTreeMap::new();
        for (claim, id, _) in self.members() {
            let requirements = claim.kind().requirements().into_iter();
            let conditions = requirements.map(|one| (one.expect, one.bound));
            sides.insert(id, conditions.collect());
        }
        sides
    }

    /// The verdicts; empty if no run of the data set has completed.
    ///
    /// # Errors
    ///
    /// If the epochs or features of a run cannot be read, or the model cannot be solved.
    pub fn judge(&self, finished: &[Finished<'_>]) -> Result<Vec<Claim>, ClaimError> {
        let runs = FinishedRuns::new(&self.planned.specs, finished);
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let mut measured: Vec<Measured<'_>> = Vec::new();
        for (claim, id, scope) in self.members() {
            let mut member = match &scope {
                Scope::Panel(_) => Measured::new(claim, id, &scope, &runs)?,
                // Its panels are the members directly before it.
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

    /// The predictions of the claims with a prediction test, one entry per panel. Seeds with a
    /// missing run are left out.
    ///
    /// # Errors
    ///
    /// If the model cannot be solved.
    pub fn predictions(
        &self,
        finished: &[Finished<'_>],
    ) -> Result<Vec<PanelPredictions>, ClaimError> {
        let runs = FinishedRuns::new(&self.planned.specs, finished);
        let mut all = Vec::new();
        for (claim, panels) in &self.claims {
            let Test::Prediction(test) = &claim.test else {
                continue;
            };
            for panel in panels {
                let mut predicted = Vec::new();
                for unit in panel.units() {
                    predicted.extend(test.predicted(unit, &runs)?);
                }
                if !predicted.is_empty() {
                    let units: Vec<&PlannedUnit> = panel.units().collect();
                    all.push(PanelPredictions {
                        model: test.model.name(),
                        source: self.source.clone(),
                        panel: self.label(panel),
                        runs: predicted,
                        competitors: PredictionTest::competitors(&units, &runs)?,
                    });
                }
            }
        }
        Ok(all)
    }

    /// The runs of the claims with a test of the model's slope, beside the solved model; one entry
    /// per claim and panel. Seeds with a missing run are left out.
    ///
    /// # Errors
    ///
    /// If the model cannot be solved.
    pub fn slopes(&self, finished: &[Finished<'_>]) -> Result<Vec<PanelSlopes>, ClaimError> {
        let runs = FinishedRuns::new(&self.planned.specs, finished);
        let mut all = Vec::new();
        for (claim, panels) in &self.claims {
            let Test::ModelSlope(test) = &claim.test else {
                continue;
            };
            for panel in panels {
                let mut solved = Vec::new();
                for unit in panel.units() {
                    let found = NoValue::or_undefined(test.solved(unit, &runs))?;
                    solved.extend(found.into_iter().flat_map(|(_, runs)| runs));
                }
                if !solved.is_empty() {
                    all.push(PanelSlopes {
                        panel: self.label(panel),
                        quantity: test.quantity.clone(),
                        runs: solved,
                    });
                }
            }
        }
        Ok(all)
    }

    fn label(&self, panel: &Panel) -> String {
        format!("{} {}", self.source, panel.label).trim().to_owned()
    }
}

fn has_enough(panel: &Panel) -> bool {
    panel.seeds().len() >= SEEDS_NEEDED
}

/// Applies Holm's correction to the p values of the family, then decides each claim.
fn verdicts(measured: Vec<Measured<'_>>) -> Vec<Claim> {
    let counted: Vec<bool> = measured.iter().map(|m| m.planned >= SEEDS_NEEDED).collect();
    // A missing p counts as 1.
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
