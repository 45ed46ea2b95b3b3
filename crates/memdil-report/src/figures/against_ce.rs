//! Compares losses with cross-entropy, paired by seed.

use std::cmp::Reverse;

use super::levels::level_axis;
use super::lines::{Line, bars, draw_lines, heights, marked_keys};
use crate::chart::{Axis, Figure, Frame, Group, Picture, Plot, span};
use crate::loss::Loss;
use crate::runs::{
    Level, Quantity, Run, at_level, by_panel, compared, levels, losses, select, summary, with_loss,
};
use crate::text::{joined, number, or_dash};

/// The quantities, their headings, and whether they are compared by ratio.
const SHOWN: [(Quantity, &str, bool); 3] = [
    (Quantity::Accuracy, "test accuracy minus CE, points", false),
    (Quantity::Dilation, "dilation relative to CE", true),
    (
        Quantity::DilationCorrect,
        "dilation of correct samples relative to CE",
        true,
    ),
];

/// `None` unless runs of another loss can be paired with cross-entropy.
pub(super) fn figure(runs: &[&Run]) -> Option<Figure> {
    let drawn = select(runs, |run| run.test().is_some());
    let mut groups = Vec::new();
    for (panel, here) in by_panel(&drawn) {
        let picture = |shown| picture(shown, &here, &panel.to_string());
        let pictures: Vec<Picture> = SHOWN.into_iter().filter_map(picture).collect();
        if !pictures.is_empty() {
            groups.push(Group::titled(panel, SHOWN.len(), pictures));
        }
    }
    (!groups.is_empty()).then(|| Figure {
        caption: caption(&drawn),
        reading: format!(
            "Each run is compared with the CE run of the same seed and noise level. Marks are means over seeds; ratios are \
             averaged geometrically and drawn on a logarithmic scale. {} The horizontal line is CE. The gain of a loss under \
             noise is its height in the first panel minus its height at η = 0.",
            bars()
        ),
        legend: marked_keys(others(&drawn)),
        groups,
        ..Figure::new("against-ce", "Losses against cross-entropy")
    })
}

/// The losses other than cross-entropy.
fn others(runs: &[&Run]) -> Vec<Loss> {
    let mut losses = losses(runs);
    losses.retain(|loss| *loss != Loss::CrossEntropy);
    losses
}

/// Pairs the runs of a loss at a noise level with the cross-entropy runs of the same seed.
fn pairs<'a>(runs: &[&'a Run], loss: Loss, level: Level) -> Vec<(&'a Run, &'a Run)> {
    let here = at_level(runs, level);
    let base = with_loss(&here, Loss::CrossEntropy);
    let mut pairs = Vec::new();
    for run in with_loss(&here, loss) {
        let partner = base.iter().find(|other| other.seed() == run.seed());
        pairs.extend(partner.map(|partner| (run, *partner)));
    }
    pairs
}

fn picture(
    (quantity, heading, ratio): (Quantity, &str, bool),
    runs: &[&Run],
    panel: &str,
) -> Option<Picture> {
    let levels = levels(runs);
    let shown = |value: f64| if ratio { value.exp() } else { value };
    let (mut lines, mut described): (Vec<Line>, _) = (Vec::new(), Vec::new());
    for loss in others(runs) {
        let (mut means, mut words) = (Vec::new(), Vec::new());
        for level in &levels {
            let pairs = pairs(runs, loss, *level);
            if let Some((mean, bar)) = summary(compared(&pairs, quantity, ratio)) {
                let mean = shown(mean);
                means.push((level.0, mean, bar.map(|ends| ends.map(shown))));
                words.push(format!("{} at η = {level}", number(mean)));
            }
        }
        lines.push((loss, means));
        described.push(format!("{loss}: {}", words.join(", ")));
    }
    let mut ends = heights(&lines);
    if ends.is_empty() {
        return None;
    }
    let base = shown(0.0);
    ends.push(base);
    let heights = span(ends)?;
    let y = if ratio {
        Axis::log(heights, "").max_ticks(8)
    } else {
        Axis::linear(heights, "")
    };
    let mut plot = Plot::new(Frame::new(370.0, 250.0), heading, &level_axis(&levels), &y);
    plot.level("zero", base);
    draw_lines(&mut plot, &lines, 4.2);
    Some(plot.picture(format!("{heading}, {panel}"), described.join("; ") + "."))
}

/// The comparisons at the highest possible noise level of the largest panel that has comparisons.
fn caption(all: &[&Run]) -> String {
    let mut panels = by_panel(all);
    panels.sort_by_key(|(_, runs)| Reverse(runs.len()));
    for (panel, runs) in panels {
        for level in levels(&runs).into_iter().rev() {
            let others = others(&runs).into_iter();
            let of = |loss| differences(&runs, loss, level);
            let parts = joined(others.filter_map(of), "; ");
            if !parts.is_empty() {
                return format!("Against CE at η = {level} ({panel}): {parts}.");
            }
        }
    }
    String::new()
}

fn differences(runs: &[&Run], loss: Loss, level: Level) -> Option<String> {
    let pairs = pairs(runs, loss, level);
    let mean = |quantity, ratio| summary(compared(&pairs, quantity, ratio));
    let points = format!("{:+.2}", mean(Quantity::Accuracy, false)?.0).replace('-', "−");
    let dilation = percent_more(mean(Quantity::Dilation, true)?);
    let correct = or_dash(mean(Quantity::DilationCorrect, true), percent_more);
    Some(format!(
        "{loss} {points} points of accuracy, {dilation} dilation ({correct} for correct samples)"
    ))
}

/// Converts a mean log ratio to a difference in percent.
fn percent_more((mean, _): (f64, Option<[f64; 2]>)) -> String {
    format!("{:+.0}%", 100.0 * mean.exp_m1()).replace('-', "−")
}
