//! Accuracy, dilation, memorization and the memorised share by noise level.

use crate::chart::{Figure, Frame, Group, Picture, Scale, loss_class, mark};
use crate::runs::{LOSSES, Level, Quantity, Run, distinct, losses};
use crate::text::{number, percent};

use super::{by_loss, heading, largest, loss_keys, shape, span};
use memdil_claims::stats::{mean, mean_interval};

const SHOWN: [Quantity; 4] = [
    Quantity::Accuracy,
    Quantity::Dilation,
    Quantity::RelativeMemorization,
    Quantity::MemorizedAsGiven,
];

/// Seeds that an interval needs: with two it would cover the picture.
const FEWEST: usize = 3;

/// Nothing with a single noise level: there would be no course to show.
pub(super) fn figure(runs: &[Run]) -> Option<Figure> {
    let drawn: Vec<&Run> = runs.iter().filter(|run| run.test().is_some()).collect();
    let levels = distinct(drawn.iter().copied(), Level::of);
    if levels.len() < 2 {
        return None;
    }
    let groups = distinct(drawn.iter().copied(), Run::panel)
        .into_iter()
        .map(|panel| {
            let here: Vec<&Run> = drawn
                .iter()
                .copied()
                .filter(|run| run.panel() == panel)
                .collect();
            let pictures: Vec<Picture> = SHOWN
                .iter()
                .filter_map(|quantity| picture(*quantity, &here, &levels, &panel.to_string()))
                .collect();
            Group {
                title: Some(heading(panel, runs)),
                columns: 4,
                pictures,
            }
        });
    let groups: Vec<Group> = groups.filter(|group| !group.pictures.is_empty()).collect();
    Some(Figure {
        name: "by-noise".to_owned(),
        heading: "What label noise does".to_owned(),
        caption: caption(&drawn),
        reading:
            "Marks and lines are means over seeds, bars their 95% intervals (Student's t) where there are three seeds \
                  or more. Losses are set side by side a little at each noise level."
                .to_owned(),
        legend: loss_keys(&drawn, |loss| Some(loss_shape(loss))),
        groups,
        side_by_side: false,
    })
}

fn caption(all: &[&Run]) -> String {
    let (runs, note) = largest(all);
    let levels = distinct(runs.iter().copied(), Level::of);
    let (Some(&first), Some(&last)) = (levels.first(), levels.last()) else {
        return String::new();
    };
    let at = |level: Level| -> Vec<&Run> {
        runs.iter()
            .copied()
            .filter(|run| Level::of(run) == level)
            .collect()
    };
    let accuracy = |level| by_loss(&at(level), Quantity::Accuracy, |v| percent(v / 100.0, 1));
    format!(
        "Mean test accuracy is {} at η = {} and {} at η = {}, where rho, the spread of unseen features over the distance \
         of class means, is {}. Of the corrupted training samples these networks predict as their given, wrong label: {}.{note}",
        accuracy(first),
        first.0,
        accuracy(last),
        last.0,
        by_loss(&at(last), Quantity::Rho, number),
        by_loss(&at(last), Quantity::MemorizedAsGiven, |v| percent(v, 0))
    )
}

/// Mean and interval over the seeds of one loss at one noise level.
struct Summary {
    level: Level,
    mean: f64,
    interval: Option<[f64; 2]>,
}

fn summaries(quantity: Quantity, runs: &[&Run], loss: &str, levels: &[Level]) -> Vec<Summary> {
    let possible = match quantity {
        Quantity::Accuracy => [0.0, 100.0],
        Quantity::MemorizedAsGiven => [0.0, 1.0],
        _ => [0.0, f64::INFINITY],
    };
    let of = |level: &Level| {
        let here = runs
            .iter()
            .filter(|run| run.loss() == loss && Level::of(run) == *level);
        let values: Vec<f64> = here.filter_map(|run| run.value(quantity)).collect();
        let interval = mean_interval(&values).filter(|_| values.len() >= FEWEST);
        let interval =
            interval.map(|bounds| bounds.map(|bound| bound.clamp(possible[0], possible[1])));
        Some(Summary {
            level: *level,
            mean: mean(&values)?,
            interval,
        })
    };
    levels.iter().filter_map(of).collect()
}

fn picture(quantity: Quantity, runs: &[&Run], levels: &[Level], panel: &str) -> Option<Picture> {
    let present = losses(runs.iter().copied());
    let lines: Vec<(&str, Vec<Summary>)> = present
        .into_iter()
        .map(|loss| (loss, summaries(quantity, runs, loss, levels)))
        .collect();
    let all = lines.iter().flat_map(|(_, line)| line);
    let values =
        span(all.flat_map(|s| [s.mean].into_iter().chain(s.interval.into_iter().flatten())))?;
    let frame = Frame::new(280.0, 230.0);
    let highest = levels.last().map_or(1.0, |level| level.0).max(1e-9);
    let lowest = levels.first().map_or(0.0, |level| level.0);
    let room = 0.08 * (highest - lowest).max(1e-9);
    let x = Scale::exact([lowest - room, highest + room], frame.x_range());
    let y = match quantity {
        Quantity::Accuracy => Scale::linear(values, frame.y_range(), 4),
        Quantity::MemorizedAsGiven => Scale::linear([0.0, 1.0], frame.y_range(), 5),
        _ => Scale::linear([0.0, values[1]], frame.y_range(), 4),
    };
    let x_ticks = level_ticks(levels, &x);
    let y_ticks = y.ticks(5);
    let mut body = frame.axes(
        quantity.label(),
        (&x, &x_ticks, "noise level η"),
        (&y, &y_ticks, ""),
    );
    for (index, (loss, summaries)) in lines.iter().enumerate() {
        let aside = 5.0 * (index as f64 - (lines.len() - 1) as f64 / 2.0);
        let class = loss_class(loss);
        let (mut line, mut bars, mut marks) = (String::new(), String::new(), String::new());
        for Summary {
            level,
            mean,
            interval,
        } in summaries
        {
            let (across, up) = (x.at(level.0) + aside, y.at(*mean));
            line += &format!(
                "{}{across:.1} {up:.1}",
                if line.is_empty() { "M" } else { "L" }
            );
            if let Some([low, high]) = interval {
                bars += &format!("M{across:.1} {:.1}V{:.1}", y.at(*low), y.at(*high));
            }
            marks += &mark(
                loss_shape(loss),
                across,
                up,
                3.8,
                &format!("mark f {class}"),
            );
        }
        body += &format!(
            r#"<path class="line s {class}" d="{line}"/><path class="bar s {class}" d="{bars}"/>{marks}"#
        );
    }
    Some(Picture {
        width: frame.width,
        height: frame.height,
        title: format!("{} by noise level, {panel}", quantity.label()),
        desc: format!(
            "Mean over all noise levels: {}.",
            by_loss(runs, quantity, number)
        ),
        body,
    })
}

/// Here the noise level is on the axis, so that shapes are free to tell losses apart without
/// colour.
fn loss_shape(loss: &str) -> crate::chart::Glyph {
    let ranks: Vec<Level> = (0..LOSSES.len()).map(|rank| Level(rank as f64)).collect();
    shape(Level(crate::runs::loss_rank(loss) as f64), &ranks)
}

/// The levels themselves, without those whose labels would touch.
fn level_ticks(levels: &[Level], x: &Scale) -> Vec<(f64, String)> {
    let mut ticks: Vec<(f64, String)> = Vec::new();
    for level in levels {
        if ticks
            .last()
            .is_none_or(|(before, _)| x.at(level.0) - x.at(*before) > 30.0)
        {
            ticks.push((level.0, level.0.to_string()));
        }
    }
    ticks
}
