//! A member of a family with its values: what a verdict is made from.

use std::collections::{BTreeMap, BTreeSet};

use crate::design::{Cell, Panel, Plan, Unit as Planned};
use crate::finished::Runs;
use crate::measure::values;
use crate::stats::{mean, mean_interval, sign_test, t_test, wilcoxon_signed_rank};
use crate::tested::Condition;
use crate::text::count;
use crate::{
    CellEffect, Claim, ClaimError, Counted, Declaration, LEVEL, Outcome, SEEDS_NEEDED, Test, Unit,
    Verdict, prediction,
};

/// What a member of a family tests.
pub(crate) enum Scope<'p> {
    Panel(&'p Panel),
    /// The mean over these panels.
    Mean(Vec<&'p Panel>),
}

impl Scope<'_> {
    pub(crate) fn panels(&self) -> &[&Panel] {
        match self {
            Self::Panel(panel) => std::slice::from_ref(panel),
            Self::Mean(panels) => panels,
        }
    }

    pub(crate) fn seeds(&self) -> BTreeSet<u64> {
        let mut panels = self.panels().iter().map(|panel| panel.seeds());
        let first = panels.next().unwrap_or_default();
        panels.fold(first, |common, panel| &common & &panel)
    }
}

/// Values by seed, one for each condition.
pub(crate) type BySeed = BTreeMap<u64, Vec<f64>>;

/// The values of a member by seed, and of its cells; of its panels for a mean.
pub(crate) type Collected = (BySeed, Vec<(String, BySeed)>);

/// Averages what `of_cell` gives for each cell.
pub(crate) fn collect<E>(
    scope: &Scope<'_>,
    of_cell: &mut impl FnMut(&Cell) -> Result<BySeed, E>,
) -> Result<Collected, E> {
    let (mut panels, mut cells) = (Vec::new(), Vec::new());
    for panel in scope.panels() {
        let mut of_panel = Vec::new();
        for cell in &panel.cells {
            of_panel.push((cell.label.clone(), of_cell(cell)?));
        }
        let values = average(of_panel.iter().map(|(_, values)| values));
        match scope {
            Scope::Panel(_) => cells = of_panel,
            Scope::Mean(_) => cells.push((panel.label.clone(), values.clone())),
        }
        panels.push(values);
    }
    Ok((average(panels.iter()), cells))
}

/// A member with its values.
pub(crate) struct Measured<'a> {
    declaration: &'a Declaration,
    id: String,
    label: String,
    /// Seeds planned in every cell.
    pub(crate) planned: usize,
    conditions: Vec<Condition>,
    values: BySeed,
    cells: Vec<(String, BySeed)>,
    pub(crate) notes: Vec<String>,
}

impl<'a> Measured<'a> {
    pub(crate) fn new(
        declaration: &'a Declaration,
        id: String,
        scope: &Scope<'_>,
        plan: &Plan<'_>,
        runs: &Runs<'_>,
    ) -> Result<Self, ClaimError> {
        let mut reasons = BTreeMap::new();
        let mut measure = |cell: &Cell| of_cell(&declaration.test, cell, plan, runs, &mut reasons);
        let (values, cells) = collect(scope, &mut measure)?;
        let mut measured = Self::with(declaration, id, scope, values, cells);
        let missing = |(reason, n): (String, usize)| {
            format!(
                "{}: {reason}.",
                count(n, "value is missing", "values are missing")
            )
        };
        measured.notes.extend(reasons.into_iter().map(missing));
        // Constants are those of a panel: a mean over panels has none.
        if let (Test::Prediction { .. }, Scope::Panel(panel)) = (&declaration.test, scope) {
            let units = panel.cells.iter().flat_map(|cell| cell.units.values());
            let found = |numbers: &[usize]| -> Vec<_> {
                numbers
                    .iter()
                    .filter_map(|&run| runs.get(plan.specs[run]).ok())
                    .collect()
            };
            let both = units.filter_map(|unit| match unit {
                Planned::Prediction { fit, test } => Some((found(fit), found(test))),
                _ => None,
            });
            measured
                .notes
                .extend(prediction::notes(&both.collect::<Vec<_>>())?);
        }
        Ok(measured)
    }

    /// The mean over panels that are measured.
    pub(crate) fn mean(
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

    pub(crate) fn with(
        declaration: &'a Declaration,
        id: String,
        scope: &Scope<'_>,
        values: BySeed,
        cells: Vec<(String, BySeed)>,
    ) -> Self {
        let few = scope
            .panels()
            .iter()
            .filter(|panel| !panel.too_few.is_empty());
        let note = |panel: &&Panel| {
            format!(
                "Not tested, for fewer than {SEEDS_NEEDED} seeds: {}.",
                panel.too_few.join("; ")
            )
        };
        Self {
            declaration,
            id,
            label: match scope {
                Scope::Panel(panel) => panel.label.clone(),
                Scope::Mean(panels) => format!("mean over {} panels", panels.len()),
            },
            planned: scope.seeds().len(),
            conditions: declaration.test.conditions_tested(),
            values,
            cells,
            notes: few.map(note).collect(),
        }
    }

    fn of_condition(&self, index: usize) -> Vec<f64> {
        self.values.values().map(|values| values[index]).collect()
    }

    fn p(&self, index: usize) -> Option<f64> {
        t_test(&self.of_condition(index), self.conditions[index].bound)
            .filter(|_| self.values.len() >= SEEDS_NEEDED)
    }

    /// All conditions must hold: the weakest decides.
    pub(crate) fn largest_p(&self) -> Option<f64> {
        let all = (0..self.conditions.len()).map(|index| self.p(index));
        all.collect::<Option<Vec<f64>>>()?
            .into_iter()
            .max_by(f64::total_cmp)
    }

    pub(crate) fn claim(self, p_holm: Option<f64>, family: usize) -> Claim {
        let (verdict, reason) = self.verdict(p_holm);
        let outcome = |index: usize| {
            let condition = &self.conditions[index];
            let (effect, interval) = in_unit(condition.unit, &self.of_condition(index));
            Outcome {
                measure: condition.what.clone(),
                unit: condition.unit,
                effect,
                interval,
                p: self.p(index),
            }
        };
        let first = outcome(0);
        let differences: Vec<f64> = self
            .of_condition(0)
            .iter()
            .map(|v| v - self.conditions[0].bound)
            .collect();
        let name = if self.label.is_empty() {
            self.declaration.name.clone()
        } else {
            format!("{}, {}", self.declaration.name, self.label)
        };
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
            bound: Some(first.unit.convert(self.conditions[0].bound)).filter(|bound| *bound != 0.0),
            p: first.p,
            p_holm,
            family: p_holm.map(|_| family),
            p_signed_rank: wilcoxon_signed_rank(&differences),
            p_sign: sign_test(&differences),
            conditions: (1..self.conditions.len()).map(outcome).collect(),
            cells: self
                .cells
                .iter()
                .map(|(label, values)| self.cell(label, values))
                .collect(),
            notes: self.notes,
        }
    }

    fn cell(&self, label: &str, values: &BySeed) -> CellEffect {
        let values: Vec<f64> = values.values().map(|values| values[0]).collect();
        let (effect, interval) = in_unit(self.conditions[0].unit, &values);
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
            let planned = if self.planned < SEEDS_NEEDED {
                ", and no more are planned"
            } else {
                ""
            };
            return open(format!(
                "{} of the {SEEDS_NEEDED} that a verdict needs{planned}",
                count(self.values.len(), "seed", "seeds")
            ));
        }
        let mut crossing = Vec::new();
        for (index, condition) in self.conditions.iter().enumerate() {
            let Some(interval) = mean_interval(&self.of_condition(index)) else {
                return open(format!("no interval: {}", condition.what));
            };
            let beyond = |end: f64| condition.expect.opposite().is_side(end, condition.bound);
            if interval.into_iter().all(beyond) {
                let several =
                    (self.conditions.len() > 1).then(|| format!("decided by: {}", condition.what));
                return (Verdict::Refuted, several);
            }
            if !interval
                .into_iter()
                .all(|end| condition.expect.is_side(end, condition.bound))
            {
                crossing.push(condition);
            }
        }
        match (crossing.first(), self.largest_p(), p_holm) {
            (Some(condition), ..) if self.conditions.len() > 1 => open(format!(
                "the interval crosses {}: {}",
                self.bound(condition),
                condition.what
            )),
            (Some(condition), ..) => {
                open(format!("the interval crosses {}", self.bound(condition)))
            }
            (None, Some(_), Some(p_holm)) if p_holm < LEVEL => (Verdict::Supported, None),
            (None, Some(p), Some(p_holm)) => open(format!(
                "the interval agrees with the claim, but p = {p:.3} becomes {p_holm:.3} after Holm's correction: more \
                 seeds are needed"
            )),
            _ => open("the effect has no p".to_owned()),
        }
    }

    fn bound(&self, condition: &Condition) -> String {
        if condition.bound == 0.0 {
            "zero".to_owned()
        } else {
            condition
                .unit
                .format(condition.unit.convert(condition.bound))
        }
    }

    fn in_words(&self) -> String {
        let conditions: Vec<&str> = self
            .conditions
            .iter()
            .map(|condition| condition.what.as_str())
            .collect();
        format!(
            "{}. One value per seed, averaged over cells; interval and p: Student's t over seeds{}; Holm's correction \
             within the experiment and data set",
            capital(&conditions.join("; and ")),
            if conditions.len() > 1 {
                ", each condition must hold"
            } else {
                ""
            }
        )
    }

    fn refutation(&self) -> String {
        let side = |condition: &Condition| {
            format!(
                "wholly {} {}",
                condition.expect.opposite().word(),
                self.bound(condition)
            )
        };
        let sides: Vec<String> = self.conditions.iter().map(side).collect();
        match &sides[..] {
            [side] => format!("Refuted if the 95% interval lies {side}."),
            _ => "Refuted if the 95% interval of any condition lies wholly on the other side of its bound.".to_owned(),
        }
    }
}

/// The mean of values, and its interval where there are enough of them.
fn in_unit(unit: Unit, values: &[f64]) -> (Option<f64>, Option<[f64; 2]>) {
    let interval = mean_interval(values).filter(|_| values.len() >= SEEDS_NEEDED);
    (
        mean(values).map(|effect| unit.convert(effect)),
        interval.map(|ends| ends.map(|end| unit.convert(end))),
    )
}

/// The values of a cell; reasons of missing ones are counted.
fn of_cell(
    test: &Test,
    cell: &Cell,
    plan: &Plan<'_>,
    runs: &Runs<'_>,
    reasons: &mut BTreeMap<String, usize>,
) -> Result<BySeed, ClaimError> {
    let mut found = BySeed::new();
    for (seed, unit) in &cell.units {
        match values(test, unit, plan, runs)? {
            Ok(values) => _ = found.insert(*seed, values),
            Err(reason) => *reasons.entry(reason).or_default() += 1,
        }
    }
    Ok(found)
}

/// The mean over several sets of the seeds that all of them have.
fn average<'v>(sets: impl Iterator<Item = &'v BySeed> + Clone) -> BySeed {
    let Some(first) = sets.clone().next() else {
        return BySeed::new();
    };
    let mut average = BySeed::new();
    for seed in first.keys() {
        let all: Option<Vec<&Vec<f64>>> = sets.clone().map(|set| set.get(seed)).collect();
        if let Some(all) = all {
            let mean_of = |index: usize| {
                all.iter().map(|values| values[index]).sum::<f64>() / all.len() as f64
            };
            average.insert(*seed, (0..all[0].len()).map(mean_of).collect());
        }
    }
    average
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
