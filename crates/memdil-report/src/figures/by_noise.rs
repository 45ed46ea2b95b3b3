//! Accuracy, dilation, rho and the memorised share by noise level.

use crate::chart::{Figure, Frame, Group, Picture, Scale, loss_class, mark};
use crate::runs::{LOSSES, Level, Quantity, Run, distinct, losses};
use crate::text::{number, percent};

use super::{by_loss, heading, loss_keys, mean_of, shape, span};

const SHOWN: [Quantity; 4] = [Quantity::Accuracy, Quantity::Dilation, Quantity::Rho, Quantity::MemorizedAsGiven];

/// Nothing with a single noise level: there would be no course to show.
pub(super) fn figure(runs: &[Run]) -> Option<Figure> {
    let drawn: Vec<&Run> = runs.iter().filter(|run| run.test().is_some()).collect();
    let levels = distinct(drawn.iter().copied(), Level::of);
    let (Some(&first), Some(&last)) = (levels.first(), levels.last()) else { return None };
    if levels.len() < 2 {
        return None;
    }
    let groups = distinct(drawn.iter().copied(), Run::panel).into_iter().map(|panel| {
        let here: Vec<&Run> = drawn.iter().copied().filter(|run| run.panel() == panel).collect();
        let pictures: Vec<Picture> =
            SHOWN.iter().filter_map(|quantity| picture(*quantity, &here, &levels, &panel.to_string())).collect();
        Group { title: Some(heading(panel, runs)), columns: 4, pictures }
    });
    let groups: Vec<Group> = groups.filter(|group| !group.pictures.is_empty()).collect();
    let at = |level: Level| -> Vec<&Run> { drawn.iter().copied().filter(|run| Level::of(run) == level).collect() };
    let accuracy = |level| by_loss(&at(level), Quantity::Accuracy, |v| percent(v / 100.0, 1));
    let memorised = by_loss(&at(last), Quantity::MemorizedAsGiven, |v| percent(v, 0));
    Some(Figure {
        name: "by-noise".to_owned(),
        heading: "What label noise does".to_owned(),
        caption: format!(
            "Mean test accuracy is {} at η = {} and {} at η = {}, where rho, the spread of unseen features over the \
             distance of class means, is {}. Of the corrupted training samples these networks predict as their given, \
             wrong label: {}.",
            accuracy(first),
            first.0,
            accuracy(last),
            last.0,
            by_loss(&at(last), Quantity::Rho, number),
            memorised
        ),
        reading: "Marks and lines are means over seeds, bars reach from the lowest to the highest seed. Losses are \
         set side by side a little at each noise level."
            .to_owned(),
        legend: loss_keys(&drawn, |loss| Some(loss_shape(loss))),
        groups,
        side_by_side: false,
    })
}

fn picture(quantity: Quantity, runs: &[&Run], levels: &[Level], panel: &str) -> Option<Picture> {
    let values = span(runs.iter().filter_map(|run| run.value(quantity)))?;
    let frame = Frame::new(280.0, 230.0);
    let highest = levels.last().map_or(1.0, |level| level.0).max(1e-9);
    let lowest = levels.first().map_or(0.0, |level| level.0);
    let room = 0.08 * (highest - lowest).max(1e-9);
    let x = Scale::exact([lowest - room, highest + room], frame.x_range());
    let y = match quantity {
        Quantity::Accuracy => Scale::linear([values[0], values[1].min(100.0)], frame.y_range(), 4),
        Quantity::MemorizedAsGiven => Scale::linear([0.0, 1.0], frame.y_range(), 5),
        _ => Scale::linear([0.0, values[1]], frame.y_range(), 4),
    };
    let x_ticks = level_ticks(levels, &x);
    let y_ticks = y.ticks(5);
    let mut body = frame.axes(quantity.label(), (&x, &x_ticks, "noise level η"), (&y, &y_ticks, ""));
    let present = losses(runs.iter().copied());
    for (index, loss) in present.iter().enumerate() {
        let aside = 5.0 * (index as f64 - (present.len() - 1) as f64 / 2.0);
        let class = loss_class(loss);
        let (mut line, mut bars, mut marks) = (String::new(), String::new(), String::new());
        for level in levels {
            let cell: Vec<&Run> =
                runs.iter().copied().filter(|run| run.loss() == *loss && Level::of(run) == *level).collect();
            let Some(centre) = mean_of(&cell, quantity) else { continue };
            let Some([low, high]) = span(cell.iter().filter_map(|run| run.value(quantity))) else { continue };
            let at = x.at(level.0) + aside;
            line += &format!("{}{at:.1} {:.1}", if line.is_empty() { "M" } else { "L" }, y.at(centre));
            bars += &format!("M{at:.1} {:.1}V{:.1}", y.at(low), y.at(high));
            marks += &mark(loss_shape(loss), at, y.at(centre), 3.8, &format!("mark f {class}"));
        }
        body += &format!(r#"<path class="line s {class}" d="{line}"/><path class="bar s {class}" d="{bars}"/>{marks}"#);
    }
    Some(Picture {
        width: frame.width,
        height: frame.height,
        title: format!("{} by noise level, {panel}", quantity.label()),
        desc: format!("Mean over all noise levels: {}.", by_loss(runs, quantity, number)),
        body,
    })
}

/// Here the noise level is on the axis, so that shapes are free to tell losses apart without colour.
fn loss_shape(loss: &str) -> crate::chart::Glyph {
    let ranks: Vec<Level> = (0..LOSSES.len()).map(|rank| Level(rank as f64)).collect();
    shape(Level(crate::runs::loss_rank(loss) as f64), &ranks)
}

/// The levels themselves, without those whose labels would touch.
fn level_ticks(levels: &[Level], x: &Scale) -> Vec<(f64, String)> {
    let mut ticks: Vec<(f64, String)> = Vec::new();
    for level in levels {
        if ticks.last().is_none_or(|(before, _)| x.at(level.0) - x.at(*before) > 30.0) {
            ticks.push((level.0, level.0.to_string()));
        }
    }
    ticks
}
