//! Dilation against memorization.

use super::levels::{level_keys, shape};
use super::lines::{loss_keys, offset};
use crate::chart::{Axis, Figure, Frame, Group, Picture, Plot, span};
use crate::runs::{
    Level, Panel, Quantity, Run, at_level, by_panel, largest_panel, levels, losses, mean, mean_of,
    means_by_loss, select, with_loss,
};
use crate::text::{count, number, when};

const X: Quantity = Quantity::RelativeMemorization;
const Y: Quantity = Quantity::Dilation;

pub(super) fn figure(runs: &[&Run]) -> Option<Figure> {
    let drawn = select(runs, |run| run.value(X).is_some() && run.value(Y).is_some());
    let levels = levels(&drawn);
    let [low, high] = span(drawn.iter().filter_map(|run| run.value(Y)))?;
    let log = low > 0.0 && high > 10.0 * low;
    let panels = by_panel(&drawn);
    let frame = if panels.len() == 1 {
        Frame::new(520.0, 380.0)
    } else {
        Frame::new(370.0, 310.0)
    };
    let columns = panels.len().min(3);
    let panels = panels.iter();
    let pictures = panels.map(|(panel, runs)| picture(frame, panel, runs, &levels, log));
    let mut legend = loss_keys(&drawn);
    legend.extend(level_keys(&levels));
    let at_zero = when(
        levels.iter().any(|level| level.0 <= 0.0),
        " Runs without noise have no corrupted samples: they are drawn at zero, with the losses side by side.",
    );
    Some(Figure {
        caption: caption(&drawn),
        reading: format!(
            "One mark per run ({}); colours are losses, shapes are noise levels η. Horizontal axis: mean distance of \
             corrupted training samples to the mean of their true class, divided by the distance between the class means. \
             Vertical axis{}: dilation, the NC1 of the test features. Lines join the means{} over seeds of one loss from the \
             lowest to the highest noise level. Noise alone changes both quantities, so this figure does not separate \
             memorization from noise.{at_zero}",
            count(drawn.len(), "run", "runs"),
            when(log, ", logarithmic"),
            when(log, " (geometric for dilation)"),
        ),
        legend,
        groups: vec![Group::untitled(columns, pictures.collect())],
        ..Figure::new("dilation-memorization", "Dilation against memorization")
    })
}

fn picture(frame: Frame, panel: &Panel, runs: &[&Run], levels: &[Level], log: bool) -> Picture {
    let values = |quantity| runs.iter().filter_map(move |run| run.value(quantity));
    let [x_low, x_high] = span(values(X).chain([0.0])).unwrap_or([0.0, 1.0]);
    // Room for the marks that are shifted to the left and right of zero.
    let room = 0.06 * (x_high - x_low).max(1e-3);
    let ys = span(values(Y)).unwrap_or([0.0, 1.0]);
    let x = Axis::exact([x_low - room, x_high + room], "memorization / separation").max_ticks(6);
    let y = if log {
        Axis::log(ys, Y.label()).max_ticks(7)
    } else {
        Axis::linear([ys[0].min(0.0), ys[1]], Y.label())
    };
    let mut plot = Plot::new(frame, &panel.to_string(), &x, &y);
    let all = losses(runs);
    for loss in &all {
        let mut line = Vec::new();
        for level in levels {
            let cell = at_level(&with_loss(runs, *loss), *level);
            let heights = cell.iter().filter_map(|run| run.value(Y));
            // On a logarithmic axis the geometric mean is in the middle of the points.
            let up = if log {
                mean(heights.map(f64::ln)).map(f64::exp)
            } else {
                mean(heights)
            };
            line.extend(mean_of(&cell, X).zip(up));
        }
        plot.series(loss.colour(), line);
    }
    for run in runs {
        if let (Some(a), Some(b)) = (run.value(X), run.value(Y)) {
            // All runs without memorization are at x = 0, so their losses are drawn side by side.
            let index = all.iter().position(|loss| *loss == run.loss()).unwrap_or(0);
            let offset = if a > 0.0 {
                0.0
            } else {
                2.0 * offset(index, all.len())
            };
            let glyph = shape(run.level(), levels);
            plot.mark(glyph, run.loss().colour(), 5.0, (a, b), offset);
        }
    }
    plot.picture(
        format!("Dilation against memorization, {panel}"),
        format!("Mean dilation: {}.", means_by_loss(runs, Y, number)),
    )
}

fn caption(all: &[&Run]) -> String {
    let (runs, note) = largest_panel(all);
    let levels = levels(&runs);
    let (Some(&first), Some(&last)) = (levels.first(), levels.last()) else {
        return String::new();
    };
    let (low, high) = (at_level(&runs, first), at_level(&runs, last));
    let value = |runs: &[&Run], quantity| {
        let value = mean_of(runs, quantity);
        value.map_or_else(|| "?".to_owned(), number)
    };
    let by = |quantity| means_by_loss(&high, quantity, number);
    if levels.len() == 1 {
        return format!(
            "All runs have noise level η = {last}: mean memorization is {} of the class separation and mean dilation {}. \
             By loss, mean dilation is {}.{note}",
            value(&high, X),
            value(&high, Y),
            by(Y)
        );
    }
    format!(
        "From η = {first} to η = {last}, mean memorization changes from {} to {} of the class separation and mean dilation \
         from {} to {}. At η = {last}, mean dilation is {} and mean memorization is {}.{note}",
        value(&low, X),
        value(&high, X),
        value(&low, Y),
        value(&high, Y),
        by(Y),
        by(X)
    )
}
