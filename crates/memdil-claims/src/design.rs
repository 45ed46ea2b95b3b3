//! Which planned runs a claim compares: panels, their cells, and one unit per seed in each cell.

use std::collections::{BTreeMap, BTreeSet};

use memdil_records::RunSpec;

use crate::condition::{Conditions, Settings, shown};
use crate::{ClaimError, Declaration, SEEDS_NEEDED, Test};

/// Planned runs of one data set.
pub(crate) struct Plan<'a> {
    pub(crate) specs: Vec<&'a RunSpec>,
    pub(crate) settings: Vec<Settings>,
    /// Those that differ between some of the runs, which are enough to compare two.
    pub(crate) differing: Vec<Settings>,
}

/// The runs behind one value, as numbers of the plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unit {
    Pair(Pair),
    Interaction {
        within: Pair,
        beyond: Pair,
    },
    Course {
        run: usize,
        reference: usize,
        /// Runs that differ in the seed only.
        others: Vec<usize>,
    },
    /// Runs, each with its reference, by increasing level.
    Levels(Vec<(usize, Option<usize>)>),
    Trend(usize),
    Prediction {
        /// Runs of other seeds.
        fit: Vec<usize>,
        /// Runs of this seed.
        test: Vec<usize>,
    },
}

/// A run beside the runs that it is compared with, which are averaged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) of: usize,
    pub(crate) against: Vec<usize>,
}

/// Units that differ in the seed only.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) label: String,
    pub(crate) units: BTreeMap<u64, Unit>,
}

/// Runs that get a verdict of their own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panel {
    /// `classes 0-1, width 128`; empty for the only panel.
    pub(crate) label: String,
    /// The same in an id.
    pub(crate) slug: String,
    /// Cells with enough seeds where some have enough.
    pub(crate) cells: Vec<Cell>,
    /// Labels of the cells that have too few beside others that have enough.
    pub(crate) too_few: Vec<String>,
}

impl Panel {
    /// The seeds that are planned in every cell.
    pub(crate) fn seeds(&self) -> BTreeSet<u64> {
        let mut cells = self
            .cells
            .iter()
            .map(|cell| cell.units.keys().copied().collect::<BTreeSet<u64>>());
        let first = cells.next().unwrap_or_default();
        cells.fold(first, |common, cell| &common & &cell)
    }
}

/// Settings by name: the identity of a panel or cell.
pub(crate) type Key = BTreeMap<String, String>;

/// What puts a run into a panel, and within it into a cell.
pub(crate) struct Group {
    panel: Key,
    pub(crate) runs: Vec<usize>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(specs: Vec<&'a RunSpec>) -> Self {
        let settings: Vec<Settings> = specs.iter().map(|spec| Settings::of(spec)).collect();
        let mut plan = Self {
            specs,
            settings,
            differing: Vec::new(),
        };
        let names = plan.varying(&plan.all(), |_| true);
        let restrict = |all: &Settings| {
            let kept = names
                .iter()
                .map(|name| (name.clone(), all.get(name).clone()));
            Settings(kept.collect())
        };
        plan.differing = plan.settings.iter().map(restrict).collect();
        plan
    }

    /// The panels of a claim.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Declaration`] when a condition holds for no planned run, or no run has the
    /// partner that the test needs.
    pub(crate) fn panels(&self, claim: &Declaration) -> Result<Vec<Panel>, ClaimError> {
        let error = |reason: String| ClaimError::declaration(&claim.id, reason);
        let chosen = self.chosen(claim, &claim.runs, "where", self.all())?;
        for (name, conditions) in claim.test.conditions() {
            // The runs of a reference may lie outside `where`.
            self.chosen(claim, conditions, name, self.all())?;
        }
        let mut panels = Vec::new();
        for group in self.groups(claim, &chosen)? {
            let cells = self.cells(claim, &group)?;
            if cells.is_empty() && claim.panels.is_empty() {
                continue;
            }
            if cells.is_empty() {
                let panel = label(&group.panel);
                return Err(error(format!("panel {panel}: {}", claim.test.unpaired())));
            }
            let enough = cells.iter().any(|cell| cell.units.len() >= SEEDS_NEEDED);
            let (kept, few): (Vec<Cell>, Vec<Cell>) = cells
                .into_iter()
                .partition(|cell| !enough || cell.units.len() >= SEEDS_NEEDED);
            panels.push(Panel {
                label: label(&group.panel),
                slug: slug(&group.panel),
                cells: kept,
                too_few: few.into_iter().map(|cell| cell.label).collect(),
            });
        }
        if panels.is_empty() {
            return Err(error(claim.test.unpaired().to_owned()));
        }
        let cells = panels.iter().flat_map(|panel| &panel.cells);
        if cells.map(|cell| cell.units.len()).max() <= Some(1) {
            return Err(error(format!(
                "one seed is planned, and a verdict needs {SEEDS_NEEDED}: add a list of seeds to [sweep]"
            )));
        }
        Ok(panels)
    }

    fn all(&self) -> Vec<usize> {
        (0..self.specs.len()).collect()
    }

    /// The runs for which conditions hold; none is an error that names the condition.
    fn chosen(
        &self,
        claim: &Declaration,
        conditions: &Conditions,
        name: &str,
        among: Vec<usize>,
    ) -> Result<Vec<usize>, ClaimError> {
        let settings: Vec<&Settings> = self.settings.iter().collect();
        if let Some(fault) = conditions.fault(&settings) {
            return Err(ClaimError::declaration(
                &claim.id,
                format!("{name}: {fault}"),
            ));
        }
        let chosen: Vec<usize> = among
            .into_iter()
            .filter(|&run| conditions.hold(&self.settings[run]))
            .collect();
        if chosen.is_empty() {
            let reason =
                format!("{name}: these settings occur, but not together in one planned run");
            return Err(ClaimError::declaration(&claim.id, reason));
        }
        Ok(chosen)
    }

    fn groups(&self, claim: &Declaration, chosen: &[usize]) -> Result<Vec<Group>, ClaimError> {
        if claim.panels.is_empty() {
            let is_panel = |key: &str| {
                !(key.starts_with("loss.") || key.starts_with("noise.") || claim.test.decides(key))
            };
            let varying = self.telling(chosen, self.varying(chosen, is_panel));
            let mut groups: BTreeMap<Vec<String>, Group> = BTreeMap::new();
            for &run in chosen {
                let panel = self.key(run, &varying);
                // Numbers in order: widths 64, 128, not 128, 64.
                let order = panel
                    .values()
                    .map(|value| format!("{value:0>12}"))
                    .collect();
                let group = Group {
                    panel,
                    runs: Vec::new(),
                };
                groups.entry(order).or_insert(group).runs.push(run);
            }
            return Ok(groups.into_values().collect());
        }
        let group = |conditions: &Conditions| {
            let runs = self.chosen(claim, conditions, "panels", chosen.to_vec())?;
            Ok(Group {
                panel: conditions.named(),
                runs,
            })
        };
        let groups: Vec<Group> = claim
            .panels
            .iter()
            .map(group)
            .collect::<Result<_, ClaimError>>()?;
        let mut runs: Vec<usize> = groups
            .iter()
            .flat_map(|group| &group.runs)
            .copied()
            .collect();
        runs.sort_unstable();
        if let Some(twice) = runs.windows(2).find(|pair| pair[0] == pair[1]) {
            let reason = format!(
                "panels: a run is in two of them, for example one of seed {}",
                self.specs[twice[0]].seed
            );
            return Err(ClaimError::declaration(&claim.id, reason));
        }
        Ok(groups)
    }

    /// The settings that differ between some runs.
    fn varying(&self, runs: &[usize], wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let names: BTreeSet<&String> = runs
            .iter()
            .flat_map(|&run| self.settings[run].0.keys())
            .collect();
        let varies = |name: &&String| {
            let first = self.settings[runs[0]].get(name);
            wanted(name)
                && runs
                    .iter()
                    .any(|&run| self.settings[run].get(name) != first)
        };
        names.into_iter().filter(varies).cloned().collect()
    }

    /// The names without those that follow from the others, as the number of features follows from
    /// the classes.
    fn telling(&self, runs: &[usize], names: Vec<String>) -> Vec<String> {
        let distinct = |names: &[String]| {
            let keys: BTreeSet<Key> = runs.iter().map(|&run| self.key(run, names)).collect();
            keys.len()
        };
        let all = distinct(&names);
        // Classes and network say most to a reader.
        let rank = |name: &String| match name.as_str() {
            "data.classes" => 0,
            name if name.starts_with("model.") && name != "model.features" => 1,
            _ => 2,
        };
        let mut kept = names;
        kept.sort_by_key(rank);
        for index in (0..kept.len()).rev() {
            let mut fewer = kept.clone();
            fewer.remove(index);
            if distinct(&fewer) == all {
                kept = fewer;
            }
        }
        kept
    }

    fn key(&self, run: usize, names: &[String]) -> Key {
        names
            .iter()
            .map(|name| (name.clone(), shown(self.settings[run].get(name))))
            .collect()
    }

    fn cells(&self, claim: &Declaration, group: &Group) -> Result<Vec<Cell>, ClaimError> {
        let levels = claim.test.levels();
        // Every setting that tells the cells of a panel apart, and those that a label has to name.
        let telling = self.varying(&group.runs, |key| levels != Some(key));
        let open: Vec<String> = telling
            .iter()
            .filter(|key| {
                let said = key.starts_with("loss.")
                    || ["noise.eta", "noise.split"].contains(&key.as_str());
                !said && !group.panel.contains_key(*key)
            })
            .cloned()
            .collect();
        let mut cells: BTreeMap<(String, Key), Cell> = BTreeMap::new();
        for (run, unit) in self.units(claim, group)? {
            let (label, identity) = match claim.test {
                Test::Prediction { .. } => ("all runs predicted".to_owned(), Key::new()),
                _ => (self.cell_label(run, levels, &open), self.key(run, &telling)),
            };
            let cell = Cell {
                label: label.clone(),
                units: BTreeMap::new(),
            };
            let units = &mut cells.entry((label, identity)).or_insert(cell).units;
            if units.insert(self.specs[run].seed, unit).is_some() {
                let seed = self.specs[run].seed;
                let reason = format!("two planned runs of seed {seed} are the same");
                return Err(ClaimError::declaration(&claim.id, reason));
            }
        }
        Ok(cells.into_values().collect())
    }

    /// Loss and noise, and whatever else a panel leaves open.
    fn cell_label(&self, run: usize, levels: Option<&str>, open: &[String]) -> String {
        let spec = self.specs[run];
        let mut parts = vec![spec.loss.label()];
        if levels != Some("noise.eta") {
            parts.push(format!("η = {}", spec.noise.requested()));
        }
        let split = self.settings[run].get("noise.split");
        if split.is_number() && levels != Some("noise.split") {
            parts.push(format!("split {}", shown(split)));
        }
        let rest = self.key(run, open);
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
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect()
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
