//! Groups of runs.

use std::collections::{BTreeMap, BTreeSet};

use super::panel::Panel;
use super::run::{Level, Run};
use crate::loss::Loss;
use crate::text::when;

/// The distinct values, sorted.
pub(crate) fn distinct<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let values: BTreeSet<T> = values.into_iter().collect();
    values.into_iter().collect()
}

/// The distinct losses of the runs.
pub(crate) fn losses(runs: &[&Run]) -> Vec<Loss> {
    distinct(runs.iter().map(|run| run.loss()))
}

/// The distinct noise levels of the runs.
pub(crate) fn levels(runs: &[&Run]) -> Vec<Level> {
    distinct(runs.iter().map(|run| run.level()))
}

/// Groups the runs by panel.
pub(crate) fn by_panel<'a>(runs: &[&'a Run]) -> Vec<(&'a Panel, Vec<&'a Run>)> {
    let mut panels: BTreeMap<&Panel, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        panels.entry(run.panel()).or_default().push(run);
    }
    panels.into_iter().collect()
}

/// The runs that satisfy a predicate.
pub(crate) fn select<'a>(runs: &[&'a Run], test: impl Fn(&Run) -> bool) -> Vec<&'a Run> {
    runs.iter().copied().filter(|run| test(run)).collect()
}

/// The runs at a noise level.
pub(crate) fn at_level<'a>(runs: &[&'a Run], level: Level) -> Vec<&'a Run> {
    select(runs, |run| run.level() == level)
}

/// The runs with a loss.
pub(crate) fn with_loss<'a>(runs: &[&'a Run], loss: Loss) -> Vec<&'a Run> {
    select(runs, |run| run.loss() == loss)
}

/// The runs of the panel with the most runs, which captions describe. If there are several panels,
/// also a sentence that names this one.
pub(crate) fn largest_panel<'a>(runs: &[&'a Run]) -> (Vec<&'a Run>, String) {
    let panels = by_panel(runs);
    let several = panels.len() > 1;
    // `rev` selects the first of several panels with the same number of runs.
    let largest = panels.into_iter().rev().max_by_key(|(_, runs)| runs.len());
    let Some((panel, runs)) = largest else {
        return (Vec::new(), String::new());
    };
    (
        runs,
        when(several, format!(" These values are for {panel}.")),
    )
}
