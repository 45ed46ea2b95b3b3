//! Groups the planned runs of a claim into panels, cells, and one unit per seed in each cell.

use std::collections::{BTreeMap, BTreeSet};

use crate::SEEDS_NEEDED;
use crate::declaration::conditions::Conditions;
use crate::declaration::settings::{last, shown};
use crate::declared::Declaration;
use crate::error::ClaimError;
use crate::kinds::kind::{Cell, PlannedUnit};
use crate::kinds::test::Test;
use crate::runs::planned::{Key, PlannedRuns};

/// Cells that share one verdict.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panel {
    /// For example `classes 0-1, width 128`; empty for the only panel.
    pub(crate) label: String,
    /// The label in the form that ids use.
    pub(crate) slug: String,
    /// The cells with enough seeds, or all cells if none has enough.
    pub(crate) cells: Vec<Cell>,
    /// The labels of the cells that are excluded for too few seeds.
    pub(crate) too_few: Vec<String>,
}

/// The settings that identify a panel, and its runs.
type Group = (Key, Vec<usize>);

/// The seeds that all sets contain.
pub(crate) fn common_seeds(sets: impl IntoIterator<Item = BTreeSet<u64>>) -> BTreeSet<u64> {
    let common = sets.into_iter().reduce(|common, seeds| &common & &seeds);
    common.unwrap_or_default()
}

impl Panel {
    /// The panels of a claim.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Declaration`] if a condition holds for no planned run, or if no run has the
    /// partner that the test needs.
    pub(crate) fn all(
        planned: &PlannedRuns<'_>,
        claim: &Declaration,
    ) -> Result<Vec<Self>, ClaimError> {
        let panels = Claimed { planned, claim }.panels();
        panels.map_err(|reason| ClaimError::declaration(&claim.id, reason))
    }

    fn new(key: &Key, cells: Vec<Cell>) -> Self {
        let enough = |cell: &Cell| cell.units.len() >= SEEDS_NEEDED;
        let some_enough = cells.iter().any(enough);
        let (kept, few): (Vec<Cell>, Vec<Cell>) = cells
            .into_iter()
            .partition(|cell| !some_enough || enough(cell));
        Self {
            label: label(key),
            slug: slug(key),
            cells: kept,
            too_few: few.into_iter().map(|cell| cell.label).collect(),
        }
    }

    /// The seeds that are planned in every cell.
    pub(crate) fn seeds(&self) -> BTreeSet<u64> {
        let cells = self.cells.iter();
        common_seeds(cells.map(|cell| cell.units.keys().copied().collect()))
    }

    pub(crate) fn units(&self) -> impl Iterator<Item = &PlannedUnit> {
        self.cells.iter().flat_map(|cell| cell.units.values())
    }
}

/// A claim with the planned runs. Errors are the reasons why it cannot be tested.
struct Claimed<'a> {
    planned: &'a PlannedRuns<'a>,
    claim: &'a Declaration,
}

impl Claimed<'_> {
    fn panels(&self) -> Result<Vec<Panel>, String> {
        let (claim, kind) = (self.claim, self.claim.kind());
        let all = self.planned.all();
        let chosen = self.chosen(&claim.runs, "where", &all)?;
        for (name, conditions) in kind.conditions() {
            // Reference runs may be outside `where`.
            self.chosen(conditions, name, &all)?;
        }
        let mut panels = Vec::new();
        for (key, runs) in self.groups(&chosen)? {
            let cells = self.cells(&key, &runs)?;
            if !cells.is_empty() {
                panels.push(Panel::new(&key, cells));
            } else if !claim.panels.is_empty() {
                let panel = label(&key);
                return Err(format!("panel {panel}: {}", claim.test.unpaired()));
            }
        }
        if panels.is_empty() {
            return Err(claim.test.unpaired().to_owned());
        }
        let cells = panels.iter().flat_map(|panel| &panel.cells);
        if cells.map(|cell| cell.units.len()).max() <= Some(1) {
            return Err(format!(
                "one seed is planned, but a verdict needs {SEEDS_NEEDED}; add a list of seeds to [sweep]"
            ));
        }
        Ok(panels)
    }

    /// The runs for which the conditions hold. It is an error if there are none.
    fn chosen(
        &self,
        conditions: &Conditions,
        name: &str,
        among: &[usize],
    ) -> Result<Vec<usize>, String> {
        if let Some(fault) = conditions.fault(&self.planned.settings) {
            return Err(format!("{name}: {fault}"));
        }
        let chosen = self.planned.holding(among, conditions);
        if chosen.is_empty() {
            return Err(format!(
                "{name}: no planned run has all these settings at once"
            ));
        }
        Ok(chosen)
    }

    fn groups(&self, chosen: &[usize]) -> Result<Vec<Group>, String> {
        if self.claim.panels.is_empty() {
            return Ok(self.groups_by_settings(chosen));
        }
        let mut groups = Vec::new();
        for conditions in &self.claim.panels {
            let runs = self.chosen(conditions, "panels", chosen)?;
            groups.push((conditions.named(), runs));
        }
        let mut known = BTreeSet::new();
        let runs = groups.iter().flat_map(|(_, runs)| runs);
        let twice = runs.filter(|run| !known.insert(**run)).min();
        if let Some(&run) = twice {
            let seed = self.planned.specs[run].seed;
            return Err(format!(
                "panels: a run of seed {seed} is in two panels; make the panels disjoint"
            ));
        }
        Ok(groups)
    }

    /// One group per combination of settings other than loss and noise.
    fn groups_by_settings(&self, chosen: &[usize]) -> Vec<Group> {
        let kind = self.claim.kind();
        let is_panel = |key: &str| {
            !(key.starts_with("loss.") || key.starts_with("noise.") || kind.decides(key))
        };
        let varying = self.planned.varying(chosen, is_panel);
        let distinguishing = self.planned.distinguishing(chosen, varying);
        let mut groups: BTreeMap<Vec<String>, Group> = BTreeMap::new();
        for &run in chosen {
            let key = self.planned.key(run, &distinguishing);
            // Zero-padded, so that numbers sort by value: width 64 before 128.
            let values = key.values();
            let order = values.map(|value| format!("{value:0>12}")).collect();
            let (_, runs) = groups.entry(order).or_insert((key, Vec::new()));
            runs.push(run);
        }
        groups.into_values().collect()
    }

    fn cells(&self, key: &Key, runs: &[usize]) -> Result<Vec<Cell>, String> {
        let (planned, kind) = (self.planned, self.claim.kind());
        // All settings that distinguish the cells of a panel, and the subset that the label adds to
        // loss, noise and panel.
        let distinguishing = planned.varying(runs, |name| !kind.is_level(name));
        let mut open = distinguishing.clone();
        open.retain(|name| {
            let in_label =
                name.starts_with("loss.") || name == "noise.eta" || name == "noise.split";
            !in_label && !key.contains_key(name)
        });
        let mut cells: BTreeMap<(String, Key), Cell> = BTreeMap::new();
        for (run, unit) in kind.units(planned, runs)? {
            let (label, identity) = match self.claim.test {
                Test::Prediction(_) => ("all runs predicted".to_owned(), Key::new()),
                _ => (
                    self.cell_label(run, &open),
                    planned.key(run, &distinguishing),
                ),
            };
            let cell = Cell {
                label: label.clone(),
                units: BTreeMap::new(),
            };
            let seed = planned.specs[run].seed;
            let cell = cells.entry((label, identity)).or_insert(cell);
            if cell.units.insert(seed, unit).is_some() {
                return Err(format!("two planned runs of seed {seed} are identical"));
            }
        }
        Ok(cells.into_values().collect())
    }

    /// Loss, noise, and the other settings that vary within the panel.
    fn cell_label(&self, run: usize, open: &[String]) -> String {
        let spec = self.planned.specs[run];
        let mut parts = vec![spec.loss.label()];
        if !self.claim.kind().is_level("noise.eta") {
            parts.push(format!("η = {}", spec.noise.requested()));
        }
        let split = self.planned.setting(run, "noise.split");
        if split.is_number() && !self.claim.kind().is_level("noise.split") {
            parts.push(format!("split {}", shown(split)));
        }
        let rest = self.planned.key(run, open);
        parts.extend((!rest.is_empty()).then(|| label(&rest)));
        parts.join(", ")
    }
}

fn label(key: &Key) -> String {
    let part = |(name, value): (&String, &String)| format!("{} {value}", last(name));
    key.iter().map(part).collect::<Vec<_>>().join(", ")
}

fn slug(key: &Key) -> String {
    let part = |(name, value): (&String, &String)| match name.as_str() {
        "data.classes" => value.clone(),
        _ => format!("{}-{value}", last(name)),
    };
    let text = key.iter().map(part).collect::<Vec<_>>().join("-");
    let unusual = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
    text.replace(unusual, "-")
}
