//! The members of a family, and the averages over their cells and panels.

use std::collections::{BTreeMap, BTreeSet};

use crate::SEEDS_NEEDED;
use crate::kinds::kind::Cell;
use crate::panels::{Panel, common_seeds};

/// The scope of a member of a family: one panel, or the mean over panels.
pub(super) enum Scope<'p> {
    Panel(&'p Panel),
    /// The mean over several panels.
    Mean(Vec<&'p Panel>),
}

impl Scope<'_> {
    pub(super) fn panels(&self) -> &[&Panel] {
        match self {
            Self::Panel(panel) => std::slice::from_ref(panel),
            Self::Mean(panels) => panels,
        }
    }

    pub(super) fn seeds(&self) -> BTreeSet<u64> {
        common_seeds(self.panels().iter().map(|panel| panel.seeds()))
    }
}

/// The values of each seed, one per condition.
pub(super) type BySeed = BTreeMap<u64, Vec<f64>>;

/// The values of a member by seed, and those of its cells (its panels for a mean).
pub(super) type Collected = (BySeed, Vec<(String, BySeed)>);

/// Averages the values that `of_cell` returns for each cell.
pub(super) fn collect<E>(
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

/// The mean over several sets, for the seeds that all sets contain.
pub(super) fn average<'v>(sets: impl Iterator<Item = &'v BySeed> + Clone) -> BySeed {
    let Some(first) = sets.clone().next() else {
        return BySeed::new();
    };
    let mut average = BySeed::new();
    for seed in first.keys() {
        let all: Option<Vec<&Vec<f64>>> = sets.clone().map(|set| set.get(seed)).collect();
        let Some(all) = all else { continue };
        let mean_of = |index: usize| {
            let values = all.iter().map(|values| values[index]);
            values.sum::<f64>() / all.len() as f64
        };
        average.insert(*seed, (0..all[0].len()).map(mean_of).collect());
    }
    average
}

/// The note on the cells or panels that a verdict excludes.
pub(super) fn not_tested<'n>(labels: impl Iterator<Item = &'n str>) -> String {
    let labels: Vec<&str> = labels.collect();
    format!(
        "Not tested, for fewer than {SEEDS_NEEDED} seeds: {}.",
        labels.join("; ")
    )
}
