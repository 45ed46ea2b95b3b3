//! Dilation against memorization.

use crate::chart::{Figure, Frame, Group, Key, Picture, Scale, loss_class, mark};
use crate::runs::{Level, Panel, Quantity, Run, distinct, losses};
use crate::text::{count, number};

use super::{by_loss, largest, loss_keys, mean_of, shape, span};

const X: Quantity = Quantity::RelativeMemorization;
const Y: Quantity = Quantity::Dilation;

pub(super) fn figure(runs: &[Run]) -> Option<Figure> {
    let drawn: Vec<&Run> = runs
        .iter()
        .filter(|run| run.value(X).is_some() && run.value(Y).is_some())
        .collect();
    if drawn.is_empty() {
        return None;
    }
    let levels = distinct(drawn.iter().copied(), Level::of);
    let panels = distinct(drawn.iter().copied(), Run::panel);
    let log = span(drawn.iter().filter_map(|run| run.value(Y)))
        .is_some_and(|[low, high]| low > 0.0 && high > 10.0 * low);
    let frame = if panels.len() == 1 {
        Frame::new(520.0, 380.0)
    } else {
        Frame::new(370.0, 310.0)
    };
    let experiments = distinct(drawn.iter().copied(), |run| {
        run.record.spec.experiment.clone()
    });
    let groups = experiments.iter().map(|experiment| {
        let here = panels
            .iter()
            .filter(|panel| panel.experiment == *experiment);
        let pictures: Vec<Picture> = here
            .map(|panel| {
                let of_panel: Vec<&Run> = drawn
                    .iter()
                    .copied()
                    .filter(|run| run.panel() == *panel)
                    .collect();
                picture(&frame, panel, &of_panel, &levels, log)
            })
            .collect();
        let title = (experiments.len() > 1).then(|| experiment.clone());
        Group {
            title,
            columns: pictures.len().min(3),
            pictures,
        }
    });
    let groups = groups.collect();
    let mut legend = loss_keys(&drawn, |_| None);
    legend.extend(
        levels
            .iter()
            .map(|level| Key::Shape(shape(*level, &levels), format!("η = {}", level.0))),
    );
    let spread = if log { "geometric means" } else { "means" };
    let at_zero = if levels.iter().any(|level| level.0 <= 0.0) {
        " Runs without noise have nothing to memorise and stand at zero, the losses side by side."
    } else {
        ""
    };
    Some(Figure {
        name: "dilation-memorization".to_owned(),
        heading: "Dilation against memorization".to_owned(),
        caption: caption(&drawn),
        reading: format!(
            "One point a run ({}); a colour a loss, a shape a noise level η. Across: how far corrupted training \
             samples lie from the mean of their true class, averaged and divided by the distance between the class \
             means. Up: dilation, NC1 of the unseen test features{}. Lines join the {spread} over seeds of one loss \
             from the lowest to the highest noise.{at_zero}",
            count(drawn.len(), "run", "runs"),
            if log { ", on a logarithmic scale" } else { "" },
        ),
        legend,
        groups,
        side_by_side: false,
    })
}

fn picture(frame: &Frame, panel: &Panel, runs: &[&Run], levels: &[Level], log: bool) -> Picture {
    let xs = runs.iter().filter_map(|run| run.value(X));
    let [x_low, x_high] = span(xs.chain([0.0])).unwrap_or([0.0, 1.0]);
    let x = Scale::linear([x_low, x_high * 1.03], frame.x_range(), 6);
    let ys = span(runs.iter().filter_map(|run| run.value(Y))).unwrap_or([0.0, 1.0]);
    let y = if log {
        Scale::log(ys, frame.y_range())
    } else {
        Scale::linear([ys[0].min(0.0), ys[1]], frame.y_range(), 5)
    };
    let (x_ticks, y_ticks) = (x.ticks(6), y.ticks(7));
    let mut body = frame.axes(
        &panel.to_string(),
        (&x, &x_ticks, "memorization / separation"),
        (&y, &y_ticks, "dilation (test NC1)"),
    );
    for loss in losses(runs.iter().copied()) {
        let mut line = String::new();
        for level in levels {
            let cell: Vec<&Run> = runs
                .iter()
                .copied()
                .filter(|run| run.loss() == loss && Level::of(run) == *level)
                .collect();
            let Some(across) = mean_of(&cell, X) else {
                continue;
            };
            // The mean as the axis shows it, so that a line runs through the middle of its points.
            let pixels: Vec<f64> = cell
                .iter()
                .filter_map(|run| run.value(Y))
                .map(|v| y.at(v))
                .collect();
            let up = pixels.iter().sum::<f64>() / pixels.len() as f64;
            line += &format!(
                "{}{:.1} {up:.1}",
                if line.is_empty() { "M" } else { "L" },
                x.at(across)
            );
        }
        body += &format!(r#"<path class="line s {}" d="{line}"/>"#, loss_class(loss));
    }
    for run in runs {
        if let (Some(a), Some(b)) = (run.value(X), run.value(Y)) {
            let classes = format!("mark f {}", loss_class(run.loss()));
            // All runs without memorization share one x: the losses stand side by side there.
            let aside = if a > 0.0 {
                0.0
            } else {
                11.0 * run.loss_rank() as f64
            };
            body += &mark(
                shape(Level::of(run), levels),
                x.at(a) + aside,
                y.at(b),
                5.0,
                &classes,
            );
        }
    }
    Picture {
        width: frame.width,
        height: frame.height,
        title: format!("Dilation against memorization, {panel}"),
        desc: format!("Mean dilation: {}.", by_loss(runs, Y, number)),
        body,
    }
}

fn caption(all: &[&Run]) -> String {
    let (runs, note) = largest(all);
    let levels = distinct(runs.iter().copied(), Level::of);
    let at = |level: Level| -> Vec<&Run> {
        runs.iter()
            .copied()
            .filter(|run| Level::of(run) == level)
            .collect()
    };
    let (Some(&first), Some(&last)) = (levels.first(), levels.last()) else {
        return String::new();
    };
    let (low, high) = (at(first), at(last));
    let value =
        |runs: &[&Run], quantity| mean_of(runs, quantity).map_or_else(|| "?".to_owned(), number);
    let by = |quantity| by_loss(&high, quantity, number);
    if levels.len() == 1 {
        return format!(
            "All runs have noise level η = {}: mean memorization is {} of the class separation and mean dilation {}. \
             By loss, mean dilation is {}.{note}",
            last.0,
            value(&high, X),
            value(&high, Y),
            by(Y)
        );
    }
    format!(
        "From η = {} to η = {}, mean memorization goes from {} to {} of the class separation and mean dilation from \
         {} to {}. At η = {} mean dilation is {} at mean memorization {}.{note}",
        first.0,
        last.0,
        value(&low, X),
        value(&high, X),
        value(&low, Y),
        value(&high, Y),
        last.0,
        by(Y),
        by(X)
    )
}
