//! Accuracy, dilation and the memorised share by noise level.

use super::{
    Line, bars, by_loss, draw_lines, heights, largest, level_span, level_ticks, marked_keys,
    summary,
};
use crate::chart::{Axis, Figure, Frame, Group, Picture, Plot, span};
use crate::loss::Loss;
use crate::runs::{Level, Panel, Quantity, Run, at, by_panel, distinct, losses, under};
use crate::text::{number, percent};

const SHOWN: [Quantity; 4] = [
    Quantity::Accuracy,
    Quantity::Dilation,
    Quantity::DilationCorrect,
    Quantity::MemorizedAsGiven,
];

/// `None` with a single noise level.
pub(super) fn figure(runs: &[Run]) -> Option<Figure> {
    let drawn: Vec<&Run> = runs.iter().filter(|run| run.test().is_some()).collect();
    let levels = distinct(drawn.iter().copied(), Level::of);
    if levels.len() < 2 {
        return None;
    }
    let group = |(panel, here): (&Panel, Vec<&Run>)| {
        let picture = |quantity: &Quantity| picture(*quantity, &here, &levels, &panel.to_string());
        Group {
            title: Some(panel.to_string()),
            columns: SHOWN.len(),
            pictures: SHOWN.iter().filter_map(picture).collect(),
        }
    };
    let groups = by_panel(&drawn).into_iter().map(group);
    Some(Figure {
        name: "by-noise".to_owned(),
        heading: "The effect of label noise".to_owned(),
        caption: caption(&drawn),
        reading: format!(
            "Marks and lines are means over seeds. {} Losses are offset slightly so that marks do not overlap. Third: \
             dilation of the test samples that are classified correctly, around their own class means. Last: the share \
             of corrupted training samples predicted as their given, wrong label.",
            bars()
        ),
        legend: marked_keys(losses(drawn.iter().copied())),
        groups: groups.filter(|group| !group.pictures.is_empty()).collect(),
        side_by_side: false,
    })
}

fn caption(all: &[&Run]) -> String {
    let (runs, note) = largest(all);
    let levels = distinct(runs.iter().copied(), Level::of);
    let (Some(&first), Some(&last)) = (levels.first(), levels.last()) else {
        return String::new();
    };
    let accuracy = |level| {
        by_loss(&at(&runs, level), Quantity::Accuracy, |v| {
            percent(v / 100.0, 1)
        })
    };
    let end = at(&runs, last);
    format!(
        "Mean test accuracy is {} at η = {} and {} at η = {}. There dilation is {}; of correctly classified samples alone \
         it is {}. Memorised share: {}.{note}",
        accuracy(first),
        first.0,
        accuracy(last),
        last.0,
        by_loss(&end, Quantity::Dilation, number),
        by_loss(&end, Quantity::DilationCorrect, number),
        by_loss(&end, Quantity::MemorizedAsGiven, |v| percent(v, 0))
    )
}

fn line(quantity: Quantity, runs: &[&Run], loss: Loss, levels: &[Level]) -> Line {
    let most = match quantity {
        Quantity::Accuracy => 100.0,
        Quantity::MemorizedAsGiven => 1.0,
        _ => f64::INFINITY,
    };
    let of = |level: &Level| {
        let here = at(&under(runs, loss), *level);
        let values = here
            .iter()
            .filter_map(|run| Some((run.seed(), run.value(quantity)?)));
        let (mean, interval) = summary(values)?;
        let interval = interval.map(|ends| ends.map(|end| end.clamp(0.0, most)));
        Some((level.0, mean, interval))
    };
    (loss, levels.iter().filter_map(of).collect())
}

fn picture(quantity: Quantity, runs: &[&Run], levels: &[Level], panel: &str) -> Option<Picture> {
    let all = losses(runs.iter().copied());
    let lines: Vec<Line> = all
        .into_iter()
        .map(|loss| line(quantity, runs, loss, levels))
        .collect();
    let values = span(heights(&lines))?;
    let x = Axis::exact(level_span(levels), "noise level η").ticks(level_ticks(levels));
    let y = match quantity {
        Quantity::Accuracy => Axis::linear(values, "").most(4),
        Quantity::MemorizedAsGiven => Axis::linear([0.0, 1.0], ""),
        _ => Axis::linear([0.0, values[1]], "").most(4),
    };
    let mut plot = Plot::new(Frame::new(280.0, 230.0), quantity.label(), &x, &y);
    draw_lines(&mut plot, &lines, 3.8);
    Some(plot.picture(
        format!("{} by noise level, {panel}", quantity.label()),
        format!(
            "Mean over all noise levels: {}.",
            by_loss(runs, quantity, number)
        ),
    ))
}
