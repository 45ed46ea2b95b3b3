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

/// The losses among some runs.
pub(crate) fn losses(runs: &[&Run]) -> Vec<Loss> {
    distinct(runs.iter().map(|run| run.loss()))
}

/// The noise levels among some runs.
pub(crate) fn levels(runs: &[&Run]) -> Vec<Level> {
    distinct(runs.iter().map(|run| run.level()))
}

/// The runs of each panel.
pub(crate) fn by_panel<'a>(runs: &[&'a Run]) -> Vec<(&'a Panel, Vec<&'a Run>)> {
    let mut panels: BTreeMap<&Panel, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        panels.entry(run.panel()).or_default().push(run);
    }
    panels.into_iter().collect()
}

/// The runs that pass a test.
pub(crate) fn select<'a>(runs: &[&'a Run], test: impl Fn(&Run) -> bool) -> Vec<&'a Run> {
    runs.iter().copied().filter(|run| test(run)).collect()
}

/// The runs at a noise level.
pub(crate) fn at<'a>(runs: &[&'a Run], level: Level) -> Vec<&'a Run> {
    select(runs, |run| run.level() == level)
}

/// The runs with a loss.
pub(crate) fn under<'a>(runs: &[&'a Run], loss: Loss) -> Vec<&'a Run> {
    select(runs, |run| run.loss() == loss)
}

/// The runs of the panel with the most of them, which captions describe, and a sentence that says
/// so where there are others.
pub(crate) fn largest<'a>(runs: &[&'a Run]) -> (Vec<&'a Run>, String) {
    let panels = by_panel(runs);
    let several = panels.len() > 1;
    // The first of several that are as large.
    let largest = panels.into_iter().rev().max_by_key(|(_, runs)| runs.len());
    let Some((panel, runs)) = largest else {
        return (Vec::new(), String::new());
    };
    (
        runs,
        when(several, format!(" These values are of {panel}.")),
    )
}
