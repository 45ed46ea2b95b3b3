//! The values of a member of a family, and its verdict.

use std::collections::BTreeMap;

use super::member::{BySeed, Scope, average, collect, not_tested};
use crate::declared::Declaration;
use crate::error::ClaimError;
use crate::kinds::kind::{Cell, Requirement};
use crate::runs::finished::FinishedRuns;
use crate::runs::no_value::NoValue;
use crate::stats::{mean, mean_interval, sign_test, t_test, wilcoxon_signed_rank};
use crate::text::count;
use crate::verdict::{CellEffect, Claim, Counted, Outcome, Unit, Verdict};
use crate::{LEVEL, SEEDS_NEEDED};

/// A member of a family with its values.
pub(super) struct Measured<'a> {
    declaration: &'a Declaration,
    id: String,
    label: String,
    /// The number of seeds planned in every cell.
    pub(super) planned: usize,
    requirements: Vec<Requirement>,
    values: BySeed,
    cells: Vec<(String, BySeed)>,
    pub(super) notes: Vec<String>,
}

impl<'a> Measured<'a> {
    pub(super) fn new(
        declaration: &'a Declaration,
        id: String,
        scope: &Scope<'_>,
        runs: &FinishedRuns<'_>,
    ) -> Result<Self, ClaimError> {
        let mut reasons = BTreeMap::new();
        let mut measure = |cell: &Cell| of_cell(declaration, cell, runs, &mut reasons);
        let (values, cells) = collect(scope, &mut measure)?;
        let mut measured = Self::with(declaration, id, scope, values, cells);
        for (reason, n) in reasons {
            let missing = count(n, "value is missing", "values are missing");
            measured.notes.push(format!("{missing}: {reason}."));
        }
        // The constants of the model are fitted per panel, so a mean over panels has none.
        if let Scope::Panel(panel) = scope {
            measured
                .notes
                .extend(declaration.kind().notes(&panel.cells, runs)?);
        }
        Ok(measured)
    }

    /// The mean over measured panels.
    pub(super) fn mean(
        declaration: &'a Declaration,
        id: String,
        scope: &Scope<'_>,
        panels: &[Self],
    ) -> Self {
        let of_panel = |panel: &Self| (panel.label.clone(), panel.values.clone());
        let cells: Vec<(String, BySeed)> = panels.iter().map(of_panel).collect();
        let values = average(cells.iter().map(|(_, values)| values));
        Self::with(declaration, id, scope, values, cells)
    }

    pub(super) fn with(
        declaration: &'a Declaration,
        id: String,
        scope: &Scope<'_>,
        values: BySeed,
        cells: Vec<(String, BySeed)>,
    ) -> Self {
        let panels = scope.panels().iter();
        let few = panels.filter(|panel| !panel.too_few.is_empty());
        Self {
            declaration,
            id,
            label: match scope {
                Scope::Panel(panel) => panel.label.clone(),
                Scope::Mean(panels) => format!("mean over {} panels", panels.len()),
            },
            planned: scope.seeds().len(),
            requirements: declaration.kind().requirements(),
            values,
            cells,
            notes: few
                .map(|panel| not_tested(panel.too_few.iter().map(String::as_str)))
                .collect(),
        }
    }

    fn of_requirement(&self, index: usize) -> Vec<f64> {
        self.values.values().map(|values| values[index]).collect()
    }

    fn p(&self, index: usize) -> Option<f64> {
        t_test(&self.of_requirement(index), self.requirements[index].bound)
            .filter(|_| self.values.len() >= SEEDS_NEEDED)
    }

    /// The largest p of the conditions, since all of them must hold.
    pub(super) fn largest_p(&self) -> Option<f64> {
        let all = (0..self.requirements.len()).map(|index| self.p(index));
        all.collect::<Option<Vec<f64>>>()?
            .into_iter()
            .max_by(f64::total_cmp)
    }

    pub(super) fn claim(self, p_holm: Option<f64>, family: usize) -> Claim {
        let (verdict, reason) = self.verdict(p_holm);
        let outcome = |index: usize| {
            let requirement = &self.requirements[index];
            let (effect, interval) = in_unit(requirement.unit, &self.of_requirement(index));
            Outcome {
                measure: requirement.measure.clone(),
                unit: requirement.unit,
                effect,
                interval,
                p: self.p(index),
            }
        };
        let first = outcome(0);
        let bound = self.requirements[0].bound;
        let differences: Vec<f64> = self.of_requirement(0).iter().map(|v| v - bound).collect();
        let mut name = self.declaration.name.clone();
        if !self.label.is_empty() {
            name += &format!(", {}", self.label);
        }
        let cells = self.cells.iter();
        Claim {
            id: self.id.clone(),
            name,
            statement: self.declaration.statement.clone(),
            test: self.in_words(),
            refuted_if: self.refutation(),
            verdict,
            reason,
            n: self.values.len(),
            counted: Counted::Seeds,
            measure: self.declaration.test.measure().to_owned(),
            unit: first.unit,
            effect: first.effect,
            interval: first.interval,
            bound: Some(first.unit.convert(bound)).filter(|bound| *bound != 0.0),
            p: first.p,
            p_holm,
            family: p_holm.map(|_| family),
            p_signed_rank: wilcoxon_signed_rank(&differences),
            p_sign: sign_test(&differences),
            conditions: (1..self.requirements.len()).map(outcome).collect(),
            cells: cells
                .map(|(label, values)| self.cell(label, values))
                .collect(),
            notes: self.notes,
            values: self.values,
        }
    }

    fn cell(&self, label: &str, values: &BySeed) -> CellEffect {
        let values: Vec<f64> = values.values().map(|values| values[0]).collect();
        let (effect, interval) = in_unit(self.requirements[0].unit, &values);
        CellEffect {
            label: label.to_owned(),
            n: values.len(),
            effect,
            interval,
        }
    }

    fn verdict(&self, p_holm: Option<f64>) -> (Verdict, Option<String>) {
        let open = |reason: String| (Verdict::Inconclusive, Some(reason));
        if self.values.len() < SEEDS_NEEDED {
            let seeds = count(self.values.len(), "seed", "seeds");
            let mut reason = format!("{seeds} of the {SEEDS_NEEDED} that a verdict needs");
            if self.planned < SEEDS_NEEDED {
                reason += ", and no more are planned";
            }
            return open(reason);
        }
        let several = self.requirements.len() > 1;
        let mut crossing = Vec::new();
        for (index, requirement) in self.requirements.iter().enumerate() {
            let Some(interval) = mean_interval(&self.of_requirement(index)) else {
                return open(format!("no interval: {}", requirement.measure));
            };
            if interval.iter().all(|end| requirement.is_refuted_by(*end)) {
                let reason = several.then(|| format!("decided by: {}", requirement.measure));
                return (Verdict::Refuted, reason);
            }
            if !interval.iter().all(|end| requirement.is_met_by(*end)) {
                crossing.push(requirement);
            }
        }
        match (crossing.first(), self.largest_p(), p_holm) {
            (Some(requirement), ..) => {
                let mut reason = format!("the interval crosses {}", bound(requirement));
                if several {
                    reason += &format!(": {}", requirement.measure);
                }
                open(reason)
            }
            (None, Some(_), Some(p_holm)) if p_holm < LEVEL => (Verdict::Supported, None),
            (None, Some(p), Some(p_holm)) => open(format!(
                "the interval agrees with the claim, but p = {p:.3} becomes {p_holm:.3} after Holm's correction: more \
                 seeds are needed"
            )),
            _ => open("the effect has no p".to_owned()),
        }
    }

    fn in_words(&self) -> String {
        let requirements = self.requirements.iter();
        let measures: Vec<&str> = requirements.map(|one| one.measure.as_str()).collect();
        let all = match measures.len() {
            1 => "",
            _ => ", each condition must hold",
        };
        format!(
            "{}. One value per seed, averaged over cells; interval and p: Student's t over seeds{all}; Holm's correction \
             within the experiment and data set",
            capitalized(&measures.join("; and "))
        )
    }

    fn refutation(&self) -> String {
        let side = |requirement: &Requirement| {
            let side = requirement.expect.opposite().word();
            format!("wholly {side} {}", bound(requirement))
        };
        let sides: Vec<String> = self.requirements.iter().map(side).collect();
        match &sides[..] {
            [side] => format!("Refuted if the 95% interval lies {side}."),
            _ => "Refuted if the 95% interval of any condition lies wholly on the other side of its bound.".to_owned(),
        }
    }
}

fn bound(requirement: &Requirement) -> String {
    let Requirement { unit, bound, .. } = requirement;
    if *bound == 0.0 {
        return "zero".to_owned();
    }
    unit.format(unit.convert(*bound))
}

/// The mean of the values, and its interval if there are enough seeds.
fn in_unit(unit: Unit, values: &[f64]) -> (Option<f64>, Option<[f64; 2]>) {
    let interval = mean_interval(values).filter(|_| values.len() >= SEEDS_NEEDED);
    (
        mean(values).map(|effect| unit.convert(effect)),
        interval.map(|ends| ends.map(|end| unit.convert(end))),
    )
}

/// The values of a cell. `reasons` counts the missing values by reason.
fn of_cell(
    declaration: &Declaration,
    cell: &Cell,
    runs: &FinishedRuns<'_>,
    reasons: &mut BTreeMap<String, usize>,
) -> Result<BySeed, ClaimError> {
    let mut found = BySeed::new();
    for (seed, unit) in &cell.units {
        match declaration.kind().values(unit, runs) {
            Ok(values) => _ = found.insert(*seed, values),
            Err(NoValue::Undefined(reason)) => *reasons.entry(reason).or_default() += 1,
            Err(NoValue::Failed(error)) => return Err(error),
        }
    }
    Ok(found)
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
