//! The figures, each made from runs, with a caption computed from them.

mod by_noise;
mod dilation;
mod epochs;
mod features;

use crate::ReportError;
use crate::chart::{Figure, Glyph, Key, SHAPES, loss_class};
use crate::runs::{Level, Panel, Quantity, Run, distinct, losses};
use memdil_claims::stats::mean;

/// Every figure that the runs of an experiment give, in the order of the page; features only where
/// they are wanted.
pub(crate) fn figures(runs: &[Run], features: bool) -> Result<Vec<Figure>, ReportError> {
    let mut figures = Vec::new();
    figures.extend(dilation::figure(runs));
    if features {
        // Runs that are there to be looked at begin with it.
        let first = runs
            .first()
            .is_some_and(|run| run.record.spec.experiment == "features-2d");
        let at = if first { 0 } else { figures.len() };
        figures.splice(at..at, features::figure(runs)?);
    }
    figures.extend(by_noise::figure(runs));
    figures.extend(epochs::figure(runs)?);
    Ok(figures)
}

/// A panel as a heading; the experiment is named only where there are several.
fn heading(panel: &Panel, runs: &[Run]) -> String {
    if distinct(runs, |run| run.record.spec.experiment.as_str()).len() > 1 {
        format!("{}: {panel}", panel.experiment)
    } else {
        panel.to_string()
    }
}

/// The legend of colours, with marks where shapes go with them.
pub(crate) fn loss_keys(runs: &[&Run], glyph: impl Fn(&str) -> Option<Glyph>) -> Vec<Key> {
    let key = |loss: &'static str| Key::Colour(loss_class(loss), glyph(loss), loss.to_owned());
    losses(runs.iter().copied()).into_iter().map(key).collect()
}

/// The shape of a noise level among all levels.
pub(crate) fn shape(level: Level, levels: &[Level]) -> Glyph {
    let index = levels.iter().position(|known| *known == level).unwrap_or(0);
    SHAPES[index % SHAPES.len()]
}

/// The runs of the panel with the most of them, which captions speak of, and a sentence that says
/// so where there are others.
fn largest<'a>(runs: &[&'a Run]) -> (Vec<&'a Run>, String) {
    let panels = distinct(runs.iter().copied(), Run::panel);
    let of = |panel: &Panel| -> Vec<&'a Run> {
        runs.iter()
            .copied()
            .filter(|run| run.panel() == panel)
            .collect()
    };
    // The first of several that are as large.
    let largest = panels.iter().rev().max_by_key(|panel| of(panel).len());
    let note = largest
        .filter(|_| panels.len() > 1)
        .map(|panel| format!(" These values are of {panel}."));
    (
        largest.map(|panel| of(panel)).unwrap_or_default(),
        note.unwrap_or_default(),
    )
}

/// The mean of a quantity over runs that have it.
fn mean_of<'a>(runs: impl IntoIterator<Item = &'a &'a Run>, quantity: Quantity) -> Option<f64> {
    mean(
        &runs
            .into_iter()
            .filter_map(|run| run.value(quantity))
            .collect::<Vec<_>>(),
    )
}

/// `CE 0.42, LS 0.21`: the mean of a quantity by loss.
fn by_loss(runs: &[&Run], quantity: Quantity, format: impl Fn(f64) -> String) -> String {
    let of = |loss: &'static str| {
        let of_loss: Vec<&Run> = runs
            .iter()
            .copied()
            .filter(|run| run.loss() == loss)
            .collect();
        mean_of(&of_loss, quantity).map(|value| format!("{loss} {}", format(value)))
    };
    let parts: Vec<String> = losses(runs.iter().copied())
        .into_iter()
        .filter_map(of)
        .collect();
    if parts.is_empty() {
        "not measured".to_owned()
    } else {
        parts.join(", ")
    }
}

/// The smallest and largest value; `None` of nothing.
pub(crate) fn span(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    values.into_iter().fold(None, |span, value| match span {
        None => Some([value, value]),
        Some([low, high]) => Some([f64::min(low, value), f64::max(high, value)]),
    })
}
