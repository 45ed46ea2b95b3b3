//! The claims of one experiment and data set: what is tested together, and its verdicts.

use std::collections::{BTreeMap, BTreeSet};

use memdil_records::RunSpec;

use crate::design::{Cell, Panel, Plan, Unit};
use crate::finished::{Finished, Runs};
use crate::measure::{Condition, values};
use crate::stats::{
    detectable_effect, holm, mean, mean_interval, sign_test, t_test, wilcoxon_signed_rank,
};
use crate::text::count;
use crate::{
    CellEffect, Claim, ClaimError, Counted, Declaration, Expect, LEVEL, Outcome, POWER,
    SEEDS_NEEDED, Test, Verdict, prediction,
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

/// What a member of a family tests.
enum Scope<'p> {
    Panel(&'p Panel),
    /// The mean over these panels.
    Mean(Vec<&'p Panel>),
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
        for claim in &tested {
            claim.test.check(&claim.id)?;
        }
        if let (Some(claim), true) = (tested.first(), planned.is_empty()) {
            return Err(ClaimError::declaration(&claim.id, "no run is planned"));
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
            let panels = |claim: &&'a Declaration| Ok((*claim, plan.panels(claim)?));
            let claims = tested
                .iter()
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
        let planned = |(claim, id, scope): (&Declaration, String, Scope<'_>)| {
            let seeds = scope.seeds().len();
            // All conditions must be found.
            let power = POWER.powf(1.0 / claim.test.conditions_tested().len() as f64);
            let effect = detectable_effect(seeds, level, power).filter(|_| seeds >= SEEDS_NEEDED);
            PlannedTest {
                id,
                seeds,
                detectable: effect.map(|effect| (effect * 10.0).ceil() / 10.0),
            }
        };
        self.members().into_iter().map(planned).collect()
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
        let mut measured = Vec::new();
        for (claim, id, scope) in self.members() {
            measured.push(Measured::new(claim, id, &scope, &self.plan, &runs)?);
        }
        Ok(verdicts(measured))
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

/// The values of a member by seed, and of its cells; of its panels for a mean.
type Collected = (BySeed, Vec<(String, BySeed)>);

/// Averages what `of_cell` gives for each cell.
fn collect<E>(
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

impl Scope<'_> {
    fn panels(&self) -> &[&Panel] {
        match self {
            Self::Panel(panel) => std::slice::from_ref(panel),
            Self::Mean(panels) => panels,
        }
    }

    fn seeds(&self) -> BTreeSet<u64> {
        let mut panels = self.panels().iter().map(|panel| panel.seeds());
        let first = panels.next().unwrap_or_default();
        panels.fold(first, |common, panel| &common & &panel)
    }
}

/// Values by seed, one for each condition.
type BySeed = BTreeMap<u64, Vec<f64>>;

/// A member with its values.
struct Measured<'a> {
    declaration: &'a Declaration,
    id: String,
    label: String,
    /// Seeds planned in every cell.
    planned: usize,
    conditions: Vec<Condition>,
    values: BySeed,
    cells: Vec<(String, BySeed)>,
    notes: Vec<String>,
}

impl<'a> Measured<'a> {
    fn new(
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
        if matches!(declaration.test, Test::Prediction { .. }) {
            let units = scope
                .panels()
                .iter()
                .flat_map(|panel| &panel.cells)
                .flat_map(|cell| cell.units.values());
            let found = |numbers: &[usize]| -> Vec<_> {
                numbers
                    .iter()
                    .filter_map(|&run| runs.get(plan.specs[run]).ok())
                    .collect()
            };
            let both = units.filter_map(|unit| match unit {
                Unit::Prediction { fit, test } => Some((found(fit), found(test))),
                _ => None,
            });
            measured
                .notes
                .extend(prediction::notes(&both.collect::<Vec<_>>())?);
        }
        Ok(measured)
    }

    fn with(
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
    fn largest_p(&self) -> Option<f64> {
        let all = (0..self.conditions.len()).map(|index| self.p(index));
        all.collect::<Option<Vec<f64>>>()?
            .into_iter()
            .max_by(f64::total_cmp)
    }

    fn claim(self, p_holm: Option<f64>, family: usize) -> Claim {
        let (verdict, reason) = self.verdict(p_holm);
        let outcome = |index: usize| {
            let condition = &self.conditions[index];
            let values = self.of_condition(index);
            let enough = values.len() >= SEEDS_NEEDED;
            Outcome {
                measure: condition.what.clone(),
                unit: condition.unit,
                effect: mean(&values).map(|effect| condition.unit.convert(effect)),
                interval: mean_interval(&values)
                    .filter(|_| enough)
                    .map(|bounds| bounds.map(|end| condition.unit.convert(end))),
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
        let unit = self.conditions[0].unit;
        let values: Vec<f64> = values.values().map(|values| values[0]).collect();
        CellEffect {
            label: label.to_owned(),
            n: values.len(),
            effect: mean(&values).map(|effect| unit.convert(effect)),
            interval: mean_interval(&values)
                .filter(|_| values.len() >= SEEDS_NEEDED)
                .map(|bounds| bounds.map(|end| unit.convert(end))),
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
                "{} of the {SEEDS_NEEDED} seeds that a verdict needs{planned}",
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
