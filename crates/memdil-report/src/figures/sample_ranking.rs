//! How well scores of training samples separate corrupted from uncorrupted samples, over epochs.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use memdil_records::EpochRecord;

use super::lines::{FEWEST_EVALUATIONS, has_epoch_curve};
use crate::chart::{Axis, Figure, Frame, Group, Key, Picture, Plot, Symbol, span};
use crate::error::ReportError;
use crate::loss::Loss;
use crate::runs::{Level, Panel, Run, at_level, by_panel, levels, losses, mean, select, with_loss};
use crate::scores::{SCORES, ShownScore};
use crate::text::{count, joined, number, when};

/// Maximum number of panels drawn; those with the most runs are chosen.
const PANELS: usize = 2;
/// Maximum number of losses drawn per panel.
const LOSSES: usize = 3;
/// Maximum number of marks on a line.
const MARKS: usize = 6;

/// The mean AUROC of each score over epochs, for the runs of a loss.
struct RankingCurves {
    loss: Loss,
    lines: Vec<(ShownScore, Vec<(f64, f64)>)>,
}

/// `None` if no run has rankings in enough epochs.
pub(super) fn figure(runs: &[&Run]) -> Result<Option<Figure>, ReportError> {
    let ranked =
        |run: &Run| has_epoch_curve(run) && run.last().is_some_and(|last| last.ranking.is_some());
    let candidates = select(runs, ranked);
    let mut panels = by_panel(&candidates);
    let all = panels.len();
    panels.sort_by_key(|(_, runs)| Reverse(runs.len()));
    panels.truncate(PANELS);
    let (mut groups, mut captions, mut other_losses) = (Vec::new(), Vec::new(), 0);
    for (panel, here) in panels {
        let Some(&level) = levels(&here).last() else {
            continue;
        };
        let here = at_level(&here, level);
        let losses = losses(&here);
        other_losses += losses.len().saturating_sub(LOSSES);
        let mut curves = Vec::new();
        for loss in losses.into_iter().take(LOSSES) {
            curves.extend(RankingCurves::of(loss, &with_loss(&here, loss))?);
        }
        if curves.is_empty() {
            continue;
        }
        captions.push(caption(&curves, level, (all > 1).then_some(panel)));
        groups.push(group(&curves, panel, level));
    }
    if captions.is_empty() {
        return Ok(None);
    }
    let panels = count(
        all - groups.len(),
        "panel with fewer runs is",
        "panels with fewer runs are",
    );
    let losses = count(other_losses, "more loss is", "more losses are");
    Ok(Some(Figure {
        // The first caption is that of the panel with the most runs.
        caption: captions.swap_remove(0),
        reading: format!(
            "AUROC is the probability that a score ranks a corrupted training sample above an uncorrupted one; a random score \
             has 0.5 (dotted). Means over seeds at each evaluated epoch, at the highest noise level. Mean loss, mean margin, \
             forgetting events and epoch of learning use the epochs so far, distance and alignment the features of the epoch. \
             The axis of epochs is logarithmic.{}{}",
            when(all > groups.len(), format!(" {panels} not drawn.")),
            when(other_losses > 0, format!(" {losses} not drawn."))
        ),
        legend: legend(),
        groups,
        ..Figure::new(
            "sample-ranking",
            "Detection of wrong labels during training",
        )
    }))
}

fn legend() -> Vec<Key> {
    let key = |shown: ShownScore| Key::new(Symbol::Marked(shown.colour, shown.glyph), shown.label);
    let mut legend: Vec<Key> = SCORES.into_iter().map(key).collect();
    legend.push(Key::new(Symbol::Limit, "random score"));
    legend
}

impl RankingCurves {
    /// `None` if no run has enough evaluations.
    fn of(loss: Loss, runs: &[&Run]) -> Result<Option<Self>, ReportError> {
        let mut epochs: Vec<EpochRecord> = Vec::new();
        for run in runs {
            let evaluated = run.epochs()?;
            if evaluated.len() >= FEWEST_EVALUATIONS {
                epochs.extend(evaluated);
            }
        }
        let lines = SCORES.map(|shown| (shown, line(&shown, &epochs)));
        let mut lines = Vec::from(lines);
        lines.retain(|(_, line)| line.len() > 1);
        Ok((!lines.is_empty()).then_some(Self { loss, lines }))
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.lines.iter().flat_map(|(_, line)| line.iter().copied())
    }

    /// The highest AUROC of all scores and epochs, and of the last epoch.
    fn best(&self) -> Option<String> {
        let points = |(shown, line): &'_ (ShownScore, Vec<(f64, f64)>)| {
            let label = shown.label;
            let points = line
                .iter()
                .map(move |&(epoch, auroc)| (label, epoch, auroc));
            points.collect::<Vec<_>>()
        };
        let (label, epoch, auroc) = highest(self.lines.iter().flat_map(points))?;
        let ends = self.lines.iter().filter_map(|line| points(line).pop());
        let (last_label, _, last) = highest(ends)?;
        Some(format!(
            "{}: {} for {label} at epoch {epoch}; after the last epoch {} for {last_label}",
            self.loss,
            number(auroc),
            number(last),
        ))
    }
}

/// The first of the points with the highest AUROC.
fn highest<'a>(points: impl Iterator<Item = (&'a str, f64, f64)>) -> Option<(&'a str, f64, f64)> {
    points.min_by(|a, b| b.2.total_cmp(&a.2))
}

/// Means over runs by epoch.
fn line(shown: &ShownScore, epochs: &[EpochRecord]) -> Vec<(f64, f64)> {
    let mut by_epoch: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for epoch in epochs {
        if let Some(ranking) = shown.ranking(epoch) {
            by_epoch.entry(epoch.epoch).or_default().push(ranking.auroc);
        }
    }
    let point = |(epoch, values)| Some((epoch as f64, mean(values)?));
    by_epoch.into_iter().filter_map(point).collect()
}

/// One picture per loss, with the same axes.
fn group(curves: &[RankingCurves], panel: &Panel, level: Level) -> Group {
    let points = || curves.iter().flat_map(RankingCurves::points);
    let epochs = span(points().map(|point| point.0)).unwrap_or([1.0, 1.0]);
    let lowest = points().map(|point| point.1).fold(0.5, f64::min);
    let x = Axis::log(epochs, "epoch");
    let y = Axis::linear([lowest, 1.0], "AUROC");
    let mut pictures = Vec::new();
    for curve in curves {
        pictures.push(picture(curve, epochs, &x, &y, (panel, level)));
    }
    Group::titled(format!("{panel}, η = {level}"), LOSSES, pictures)
}

fn picture(
    curve: &RankingCurves,
    epochs: [f64; 2],
    x: &Axis<'_>,
    y: &Axis<'_>,
    (panel, level): (&Panel, Level),
) -> Picture {
    let loss = curve.loss;
    let mut plot = Plot::new(Frame::new(370.0, 260.0), &loss.to_string(), x, y);
    plot.dashed("contour", "2 5", epochs.map(|epoch| (epoch, 0.5)));
    let mut ends = Vec::new();
    for (shown, line) in &curve.lines {
        plot.series(shown.colour, line.iter().copied());
        let every = line.len().div_ceil(MARKS);
        for point in line.iter().rev().step_by(every) {
            plot.mark(shown.glyph, shown.colour, 3.6, *point, 0.0);
        }
        let last = line.last().map(|point| number(point.1));
        ends.push(format!(
            "{} ends at {}",
            shown.label,
            last.unwrap_or_default()
        ));
    }
    let title = format!("AUROC of the scores over epochs, {loss}, η = {level}, {panel}");
    plot.picture(title, joined(ends, ", ") + ".")
}

fn caption(curves: &[RankingCurves], level: Level, panel: Option<&Panel>) -> String {
    let place = panel.map_or_else(String::new, |panel| format!(" ({panel})"));
    let best = curves.iter().filter_map(RankingCurves::best);
    format!(
        "Highest mean AUROC at η = {level}{place}. {}.",
        joined(best, ". ")
    )
}
