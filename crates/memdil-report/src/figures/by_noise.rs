//! Accuracy, dilation and the memorised share by noise level.

use super::levels::level_axis;
use super::lines::{Line, bars, draw_lines, heights, marked_keys};
use crate::chart::{Axis, Figure, Frame, Group, Picture, Plot, span};
use crate::loss::Loss;
use crate::runs::{
    Level, Quantity, Run, at_level, by_panel, largest_panel, levels, losses, means_by_loss, select,
    summary, with_loss,
};
use crate::text::{number, percent};

const SHOWN: [Quantity; 4] = [
    Quantity::Accuracy,
    Quantity::Dilation,
    Quantity::DilationCorrect,
    Quantity::MemorizedAsGiven,
];

/// `None` with a single noise level.
pub(super) fn figure(runs: &[&Run]) -> Option<Figure> {
    let drawn = select(runs, |run| run.test().is_some());
    let levels = levels(&drawn);
    if levels.len() < 2 {
        return None;
    }
    let mut groups = Vec::new();
    for (panel, here) in by_panel(&drawn) {
        let picture = |quantity| picture(quantity, &here, &levels, &panel.to_string());
        let pictures: Vec<Picture> = SHOWN.into_iter().filter_map(picture).collect();
        if !pictures.is_empty() {
            groups.push(Group::titled(panel, SHOWN.len(), pictures));
        }
    }
    Some(Figure {
        caption: caption(&drawn),
        reading: format!(
            "Marks and lines are means over seeds. {} Losses are offset slightly so that marks do not overlap. Third panel: \
             dilation of the correctly classified test samples around their own class means. Last panel: share of corrupted \
             training samples predicted as their given, wrong label.",
            bars()
        ),
        legend: marked_keys(losses(&drawn)),
        groups,
        ..Figure::new("by-noise", "The effect of label noise")
    })
}

fn caption(all: &[&Run]) -> String {
    let (runs, note) = largest_panel(all);
    let levels = levels(&runs);
    let (Some(&first), Some(&last)) = (levels.first(), levels.last()) else {
        return String::new();
    };
    let accuracy = |level| {
        let accuracy = |value| percent(value / 100.0, 1);
        means_by_loss(&at_level(&runs, level), Quantity::Accuracy, accuracy)
    };
    let end = at_level(&runs, last);
    format!(
        "Mean test accuracy is {} at η = {first} and {} at η = {last}. At η = {last}, mean dilation is {}; for correctly \
         classified samples only, it is {}. Memorised share: {}.{note}",
        accuracy(first),
        accuracy(last),
        means_by_loss(&end, Quantity::Dilation, number),
        means_by_loss(&end, Quantity::DilationCorrect, number),
        means_by_loss(&end, Quantity::MemorizedAsGiven, |v| percent(v, 0))
    )
}

fn line(quantity: Quantity, runs: &[&Run], loss: Loss, levels: &[Level]) -> Line {
    let most = match quantity {
        Quantity::Accuracy => 100.0,
        Quantity::MemorizedAsGiven => 1.0,
        _ => f64::INFINITY,
    };
    let mut means = Vec::new();
    for level in levels {
        let here = at_level(&with_loss(runs, loss), *level);
        let values = here
            .iter()
            .map(|run| Some((run.seed(), run.value(quantity)?)));
        if let Some((mean, interval)) = summary(values.flatten()) {
            let interval = interval.map(|ends| ends.map(|end| end.clamp(0.0, most)));
            means.push((level.0, mean, interval));
        }
    }
    (loss, means)
}

fn picture(quantity: Quantity, runs: &[&Run], levels: &[Level], panel: &str) -> Option<Picture> {
    let losses = losses(runs).into_iter();
    let lines: Vec<Line> = losses
        .map(|loss| line(quantity, runs, loss, levels))
        .collect();
    let values = span(heights(&lines))?;
    let x = level_axis(levels);
    let y = match quantity {
        Quantity::Accuracy => Axis::linear(values, "").max_ticks(4),
        Quantity::MemorizedAsGiven => Axis::linear([0.0, 1.0], ""),
        _ => Axis::linear([0.0, values[1]], "").max_ticks(4),
    };
    let mut plot = Plot::new(Frame::new(280.0, 230.0), quantity.label(), &x, &y);
    draw_lines(&mut plot, &lines, 3.8);
    let means = means_by_loss(runs, quantity, number);
    Some(plot.picture(
        format!("{} by noise level, {panel}", quantity.label()),
        format!("Mean over all noise levels: {means}."),
    ))
}
