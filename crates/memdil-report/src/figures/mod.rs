//! The figures, by the names that experiment files give them.

mod against_ce;
mod by_noise;
mod capacity;
mod decomposition;
mod dilation;
mod epochs;
mod features;
mod model;
mod portrait;
mod searches;

use std::collections::BTreeMap;

use memdil_claims::stats::{mean, mean_interval};
use memdil_claims::{PanelPredictions, SEEDS_NEEDED};
use memdil_records::SearchRecord;

use crate::ReportError;
use crate::chart::{Figure, Glyph, Key, Plot, SHAPES};
use crate::loss::Loss;
use crate::runs::{Level, Quantity, Run, by_panel, losses, under};
use crate::text::number;
use crate::theory::Theory;

/// The sources of an experiment's figures.
pub(crate) struct Material<'a> {
    pub(crate) runs: &'a [Run],
    pub(crate) searches: &'a [SearchRecord],
    pub(crate) predictions: &'a [PanelPredictions],
    pub(crate) theory: Option<&'a Theory>,
}

type Draw = fn(&Material<'_>) -> Result<Option<Figure>, ReportError>;

/// Every figure by its name; a figure that has nothing to show is left out.
const FIGURES: [(&str, Draw); 14] = [
    ("phase-portrait", |m| portrait::figure(m.runs)),
    ("dilation-memorization", |m| Ok(dilation::figure(m.runs))),
    ("capacity", |m| Ok(capacity::figure(m.runs))),
    ("decomposition", |m| Ok(decomposition::figure(m.runs))),
    ("against-ce", |m| Ok(against_ce::figure(m.runs))),
    ("by-noise", |m| Ok(by_noise::figure(m.runs))),
    ("model", |m| Ok(model::figure(m.predictions))),
    ("features", |m| features::figure(m.runs)),
    ("epochs", |m| epochs::figure(m.runs)),
    ("search-history", |m| Ok(searches::figure(m.searches))),
    ("theory-decay", |m| Ok(m.theory.map(Theory::by_decay))),
    ("theory-noise", |m| Ok(m.theory.map(Theory::by_noise))),
    ("theory-phase", |m| Ok(m.theory.map(Theory::phase))),
    ("theory-classes", |m| Ok(m.theory.map(Theory::classes))),
];

/// The figures of runs whose experiment file was not given.
pub(crate) const DEFAULT: [&str; 5] = [
    "dilation-memorization",
    "features",
    "by-noise",
    "epochs",
    "search-history",
];

/// The figures of the solved models.
pub(crate) const THEORY: [&str; 4] = [
    "theory-decay",
    "theory-noise",
    "theory-phase",
    "theory-classes",
];

/// The names of all figures, for an error message.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FIGURES.iter().map(|(name, _)| *name)
}

/// The figure of this name, `None` where there is nothing to draw.
pub(crate) fn draw(name: &str, material: &Material<'_>) -> Result<Option<Figure>, ReportError> {
    let known = FIGURES.iter().find(|(known, _)| *known == name);
    known.map_or(Ok(None), |(_, draw)| draw(material))
}

/// Evaluations that make a course.
const FEWEST_EVALUATIONS: usize = 4;

/// True for a completed run that was evaluated often enough to have a course.
fn has_course(run: &Run) -> bool {
    run.last().is_some() && run.record.spec.training.evaluations() >= FEWEST_EVALUATIONS
}

/// The legend of colours, where shapes mean something else.
fn loss_keys(runs: &[&Run]) -> Vec<Key> {
    let key = |loss: Loss| Key::Colour(loss.colour(), None, loss.to_string());
    losses(runs.iter().copied()).into_iter().map(key).collect()
}

/// The legend of noise levels.
fn level_keys(levels: &[Level]) -> impl Iterator<Item = Key> {
    let key = |level: &Level| Key::Shape(shape(*level, levels), format!("η = {}", level.0));
    levels.iter().map(key)
}

/// The shape of a noise level among all levels.
fn shape(level: Level, levels: &[Level]) -> Glyph {
    let index = levels.iter().position(|known| *known == level).unwrap_or(0);
    SHAPES[index % SHAPES.len()]
}

/// The levels as ticks of an axis, without those whose labels would touch.
fn level_ticks(levels: &[Level]) -> Vec<(f64, String)> {
    let room = levels.last().map_or(0.0, |level| level.0) / 8.0;
    let mut ticks: Vec<(f64, String)> = Vec::new();
    for level in levels {
        if ticks
            .last()
            .is_none_or(|(before, _)| level.0 - before > room)
        {
            ticks.push((level.0, level.0.to_string()));
        }
    }
    ticks
}

/// The ends of an axis of noise levels.
fn level_span(levels: &[Level]) -> [f64; 2] {
    let (low, high) = (levels.first(), levels.last());
    let [low, high] = [low, high].map(|level| level.map_or(0.0, |level| level.0));
    let room = 0.08 * (high - low).max(1e-9);
    [low - room, high + room]
}

/// Horizontal offset of a loss in pixels, so that marks do not overlap.
fn aside(index: usize, all: usize) -> f64 {
    5.0 * (index as f64 - (all - 1) as f64 / 2.0)
}

/// The mean over seeds, and its 95% interval from as many seeds as a verdict needs. Values of one
/// seed, of losses that differ in a parameter, are averaged first.
fn summary(values: impl IntoIterator<Item = (u64, f64)>) -> Option<(f64, Option<[f64; 2]>)> {
    let mut seeds: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (seed, value) in values {
        seeds.entry(seed).or_default().push(value);
    }
    let values: Vec<f64> = seeds.values().filter_map(|of_seed| mean(of_seed)).collect();
    let interval = mean_interval(&values).filter(|_| values.len() >= SEEDS_NEEDED);
    Some((mean(&values)?, interval))
}

/// A loss with the mean and interval of a quantity at each noise level.
type Line = (Loss, Vec<(f64, f64, Option<[f64; 2]>)>);

/// The means and the ends of the intervals.
fn heights(lines: &[Line]) -> impl Iterator<Item = f64> {
    let points = lines.iter().flat_map(|(_, points)| points);
    points.flat_map(|(_, mean, bar)| [*mean].into_iter().chain(bar.iter().flatten().copied()))
}

/// Draws the lines with their bars and marks, losses beside each other.
fn draw_lines(plot: &mut Plot, lines: &[Line], size: f64) {
    for (index, (loss, points)) in lines.iter().enumerate() {
        let (colour, aside) = (loss.colour(), aside(index, lines.len()));
        plot.course(
            colour,
            aside,
            points.iter().map(|(level, mean, _)| (*level, *mean)),
        );
        for (level, mean, bar) in points {
            if let Some(bar) = bar {
                plot.bar(colour, *level, *bar, aside);
            }
            plot.mark(loss.glyph(), colour, size, (*level, *mean), aside);
        }
    }
}

/// The legend of losses with a shape of their own.
fn marked_keys(losses: impl IntoIterator<Item = Loss>) -> Vec<Key> {
    let key = |loss: Loss| Key::Colour(loss.colour(), Some(loss.glyph()), loss.to_string());
    losses.into_iter().map(key).collect()
}

/// The sentence on bars that several readings share.
fn bars() -> String {
    format!("Bars are 95% intervals over seeds (Student’s t), drawn from {SEEDS_NEEDED} seeds on.")
}

/// The runs of the panel with the most of them, which captions describe, and a sentence that says
/// so where there are others.
fn largest<'a>(runs: &[&'a Run]) -> (Vec<&'a Run>, String) {
    let panels = by_panel(runs);
    let several = panels.len() > 1;
    // The first of several that are as large.
    let largest = panels.into_iter().rev().max_by_key(|(_, runs)| runs.len());
    let Some((panel, runs)) = largest else {
        return (Vec::new(), String::new());
    };
    let note = if several {
        format!(" These values are of {panel}.")
    } else {
        String::new()
    };
    (runs, note)
}

/// The mean of a quantity over runs that have it.
fn mean_of<'a>(runs: impl IntoIterator<Item = &'a &'a Run>, quantity: Quantity) -> Option<f64> {
    let values = runs.into_iter().filter_map(|run| run.value(quantity));
    mean(&values.collect::<Vec<_>>())
}

/// `CE 0.42, LS 0.21`: the mean of a quantity by loss.
fn by_loss(runs: &[&Run], quantity: Quantity, format: impl Fn(f64) -> String) -> String {
    let of = |loss: Loss| {
        let value = mean_of(&under(runs, loss), quantity)?;
        Some(format!("{loss} {}", format(value)))
    };
    let all = losses(runs.iter().copied());
    let parts: Vec<String> = all.into_iter().filter_map(of).collect();
    if parts.is_empty() {
        "not measured".to_owned()
    } else {
        parts.join(", ")
    }
}

/// R² of predictions against the mean of what was measured; `None` where nothing varies.
fn r_squared(pairs: &[(f64, f64)]) -> Option<f64> {
    let centre = mean(
        &pairs
            .iter()
            .map(|(measured, _)| *measured)
            .collect::<Vec<_>>(),
    )?;
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let rest = squares(
        &mut pairs
            .iter()
            .map(|(measured, predicted)| measured - predicted),
    );
    let all = squares(&mut pairs.iter().map(|(measured, _)| measured - centre));
    (all > 0.0).then(|| 1.0 - rest / all)
}

/// A number, or that there is none.
fn or_undefined(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), number)
}
