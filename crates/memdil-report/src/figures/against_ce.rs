//! Losses against cross-entropy, paired by seed.

use super::{Line, bars, draw_lines, heights, level_span, level_ticks, marked_keys, summary};
use crate::chart::{Axis, Figure, Frame, Group, Picture, Plot, span};
use crate::loss::Loss;
use crate::runs::{Level, Panel, Quantity, Run, at, by_panel, distinct, losses, under};
use crate::text::number;

/// A quantity, its heading, and whether losses are compared by ratio.
const SHOWN: [(Quantity, &str, bool); 3] = [
    (
        Quantity::Accuracy,
        "test accuracy − that of CE, points",
        false,
    ),
    (Quantity::Dilation, "dilation / that of CE", true),
    (
        Quantity::DilationCorrect,
        "dilation of correct samples / that of CE",
        true,
    ),
];

/// `None` without cross-entropy and another loss.
pub(super) fn figure(runs: &[Run]) -> Option<Figure> {
    let drawn: Vec<&Run> = runs.iter().filter(|run| run.test().is_some()).collect();
    let group = |(panel, here): (&Panel, Vec<&Run>)| Group {
        title: Some(panel.to_string()),
        columns: SHOWN.len(),
        pictures: SHOWN
            .iter()
            .filter_map(|shown| picture(*shown, &here, &panel.to_string()))
            .collect(),
    };
    let groups = by_panel(&drawn).into_iter().map(group);
    let groups: Vec<Group> = groups.filter(|group| !group.pictures.is_empty()).collect();
    (!groups.is_empty()).then(|| Figure {
        name: "against-ce".to_owned(),
        heading: "Losses against cross-entropy".to_owned(),
        caption: caption(&drawn),
        reading: format!(
            "Each run is compared with the run under CE that has the same seed and noise; marks are means over seeds, ratios \
             geometric ones on a logarithmic scale. {} The line is CE itself. The gain is how much higher the first panel is \
             under noise than at η = 0.",
            bars()
        ),
        legend: marked_keys(others(&drawn)),
        groups,
        side_by_side: false,
    })
}

/// The losses other than cross-entropy.
fn others(runs: &[&Run]) -> Vec<Loss> {
    let mut losses = losses(runs.iter().copied());
    losses.retain(|loss| *loss != Loss::CrossEntropy);
    losses
}

/// The comparisons of a loss at a level: seed, difference or log ratio.
fn compared(
    (quantity, ratio): (Quantity, bool),
    runs: &[&Run],
    loss: Loss,
    level: Level,
) -> Vec<(u64, f64)> {
    let here = at(runs, level);
    let base = under(&here, Loss::CrossEntropy);
    let pair = |run: &Run| {
        let partner = base.iter().find(|other| other.seed() == run.seed())?;
        let (own, base) = (run.value(quantity)?, partner.value(quantity)?);
        let value = if ratio { (own / base).ln() } else { own - base };
        value.is_finite().then_some((run.seed(), value))
    };
    under(&here, loss).into_iter().filter_map(pair).collect()
}

fn picture(
    (quantity, heading, ratio): (Quantity, &str, bool),
    runs: &[&Run],
    panel: &str,
) -> Option<Picture> {
    let levels = distinct(runs.iter().copied(), Level::of);
    let others = others(runs);
    let shown = |value: f64| if ratio { value.exp() } else { value };
    let line = |loss: Loss| {
        let of = |level: &Level| {
            let (mean, bar) = summary(compared((quantity, ratio), runs, loss, *level))?;
            Some((level.0, shown(mean), bar.map(|ends| ends.map(shown))))
        };
        (loss, levels.iter().filter_map(of).collect::<Vec<_>>())
    };
    let lines: Vec<Line> = others.iter().map(|loss| line(*loss)).collect();
    let mut ends = heights(&lines).peekable();
    ends.peek()?;
    let base = shown(0.0);
    let heights = span(ends.chain([base]))?;
    let x = Axis::exact(level_span(&levels), "noise level η").ticks(level_ticks(&levels));
    let y = if ratio {
        Axis::log(heights, "").most(8)
    } else {
        Axis::linear(heights, "")
    };
    let mut plot = Plot::new(Frame::new(370.0, 250.0), heading, &x, &y);
    plot.level("zero", base);
    draw_lines(&mut plot, &lines, 4.2);
    let desc = lines.iter().map(|(loss, points)| {
        let at = |(level, mean, _): &(f64, f64, _)| format!("{} at η = {level}", number(*mean));
        format!(
            "{loss}: {}",
            points.iter().map(at).collect::<Vec<_>>().join(", ")
        )
    });
    let desc: Vec<String> = desc.collect();
    Some(plot.picture(format!("{heading}, {panel}"), desc.join("; ") + "."))
}

/// The comparisons at the highest noise level of the panel with the most runs that has any.
fn caption(all: &[&Run]) -> String {
    let mut panels = by_panel(all);
    panels.sort_by_key(|(_, runs)| std::cmp::Reverse(runs.len()));
    for (panel, runs) in panels {
        for level in distinct(runs.iter().copied(), Level::of).into_iter().rev() {
            let of = |loss: &Loss| differences(&runs, *loss, level);
            let parts: Vec<String> = others(&runs).iter().filter_map(of).collect();
            if !parts.is_empty() {
                return format!(
                    "Against CE at η = {} ({panel}): {}.",
                    level.0,
                    parts.join("; ")
                );
            }
        }
    }
    String::new()
}

fn differences(runs: &[&Run], loss: Loss, level: Level) -> Option<String> {
    let mean = |quantity, ratio| {
        let (mean, _) = summary(compared((quantity, ratio), runs, loss, level))?;
        Some(mean)
    };
    let percent = |value: f64| format!("{:+.0}%", 100.0 * value.exp_m1()).replace('-', "−");
    Some(format!(
        "{loss} {} points of accuracy, {} dilation ({} of correct samples)",
        format!("{:+.2}", mean(Quantity::Accuracy, false)?).replace('-', "−"),
        percent(mean(Quantity::Dilation, true)?),
        mean(Quantity::DilationCorrect, true).map_or_else(|| "–".to_owned(), percent)
    ))
}
