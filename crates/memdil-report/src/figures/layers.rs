//! Memorization and dilation over the layers of the networks.

use memdil_records::LayerRecord;

use super::levels::{level_keys, shape};
use super::lines::{Mean, bars, loss_keys, offset};
use crate::chart::{Axis, Figure, Frame, Group, Picture, Plot, span};
use crate::loss::Loss;
use crate::runs::{
    Level, Run, at_level, by_panel, largest_panel, levels, losses, select, summary, with_loss,
};
use crate::text::{joined, number, percent};

/// A quantity of a layer.
struct Shown {
    heading: &'static str,
    value: fn(&LayerRecord) -> Option<f64>,
    scale: Scale,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// From zero.
    Linear,
    /// From zero to one.
    Share,
    /// Logarithmic, with geometric means.
    Log,
}

const RELATIVE_MEMORIZATION: Shown = Shown {
    heading: "memorization / separation",
    value: |layer| layer.memorization_over_separation,
    scale: Scale::Linear,
};
const AS_GIVEN: Shown = Shown {
    heading: "corrupted: nearest to given",
    value: |layer| layer.corrupted_nearest_given,
    scale: Scale::Share,
};
const AS_CLEAN: Shown = Shown {
    heading: "corrupted: nearest to clean",
    value: |layer| layer.corrupted_nearest_clean,
    scale: Scale::Share,
};
const DILATION: Shown = Shown {
    heading: "dilation (test NC1)",
    value: |layer| layer.test_dilation,
    scale: Scale::Log,
};

/// `None` unless the runs have the metrics of two layers or more.
pub(super) fn figure(runs: &[&Run]) -> Option<Figure> {
    let drawn = select(runs, |run| layers(run).len() > 1);
    if drawn.is_empty() {
        return None;
    }
    let levels = levels(&drawn);
    let shown = [RELATIVE_MEMORIZATION, AS_GIVEN, AS_CLEAN, DILATION];
    let mut groups = Vec::new();
    for (panel, here) in by_panel(&drawn) {
        let picture = |shown| picture(shown, &here, &levels, &panel.to_string());
        let pictures: Vec<Picture> = shown.iter().filter_map(picture).collect();
        if !pictures.is_empty() {
            groups.push(Group::titled(panel, pictures.len(), pictures));
        }
    }
    Some(Figure {
        caption: caption(&drawn),
        reading: format!(
            "Horizontal axis: the layers from the input to the last one, which is the penultimate features. Marks and lines are \
             means over seeds, geometric ones for dilation, whose axis is logarithmic. {} First panel: mean distance of the \
             corrupted training samples to the mean of the uncorrupted samples of their true class, divided by the mean distance \
             between these means. Second and third panel: share of the corrupted training samples whose nearest mean of \
             uncorrupted samples is that of their given or of their clean class. Outputs of convolutions are averaged over pixels.",
            bars()
        ),
        legend: loss_keys(&drawn)
            .into_iter()
            .chain(level_keys(&levels))
            .collect(),
        groups,
        ..Figure::new("layers", "Memorization and dilation over the layers")
    })
}

/// The layers of a run, empty if they were not measured.
fn layers(run: &Run) -> &[LayerRecord] {
    let layers = run.last().and_then(|last| last.layers.as_deref());
    layers.unwrap_or_default()
}

/// The number of each layer with the mean of a quantity over the seeds.
fn means(runs: &[&Run], shown: &Shown) -> Vec<Mean> {
    let is_log = shown.scale == Scale::Log;
    let most = runs.iter().map(|run| layers(run).len()).max();
    let mut means = Vec::new();
    for index in 0..most.unwrap_or_default() {
        let value = |run: &&Run| {
            let value = (shown.value)(layers(run).get(index)?)?;
            Some((run.seed(), if is_log { value.ln() } else { value }))
        };
        let values = runs.iter().filter_map(value);
        if let Some((mean, interval)) = summary(values.filter(|(_, value)| value.is_finite())) {
            let drawn = |value: f64| match shown.scale {
                Scale::Linear => value.max(0.0),
                Scale::Share => value.clamp(0.0, 1.0),
                Scale::Log => value.exp(),
            };
            let interval = interval.map(|ends| ends.map(drawn));
            means.push(((index + 1) as f64, drawn(mean), interval));
        }
    }
    means
}

fn picture(shown: &Shown, runs: &[&Run], levels: &[Level], panel: &str) -> Option<Picture> {
    let losses = losses(runs);
    let mut lines = Vec::new();
    for (index, loss) in losses.iter().enumerate() {
        for level in levels {
            let means = means(&at_level(&with_loss(runs, *loss), *level), shown);
            lines.push((*loss, *level, offset(index, losses.len()), means));
        }
    }
    let (mut heights, mut last) = (Vec::new(), 1.0_f64);
    for (across, mean, interval) in lines.iter().flat_map(|(.., means)| means) {
        heights.push(*mean);
        heights.extend(interval.iter().flatten());
        last = last.max(*across);
    }
    let heights = span(heights)?;
    let y = match shown.scale {
        Scale::Linear => Axis::linear([0.0, heights[1]], "").max_ticks(4),
        Scale::Share => Axis::linear([0.0, 1.0], ""),
        Scale::Log => Axis::log(heights, "").max_ticks(6),
    };
    let step = (last / 8.0).ceil();
    let ticks = (0..).map(|tick| 1.0 + f64::from(tick) * step);
    let ticks = ticks.take_while(|tick| *tick <= last);
    let ticks = ticks.map(|tick| (tick, tick.to_string())).collect();
    let room = 0.08 * (last - 1.0);
    let x = Axis::exact([1.0 - room, last + room], "layer").ticks(ticks);
    let mut plot = Plot::new(Frame::new(290.0, 240.0), shown.heading, &x, &y);
    let mut described = Vec::new();
    for (loss, level, offset, means) in &lines {
        let points = means.iter().map(|(across, mean, _)| (*across, *mean));
        plot.shifted_series(loss.colour(), *offset, points);
        for (across, mean, interval) in means {
            if let Some(interval) = interval {
                plot.bar(loss.colour(), *across, *interval, *offset);
            }
            let at = (*across, *mean);
            plot.mark(shape(*level, levels), loss.colour(), 3.8, at, *offset);
        }
        if let [(_, first, _), .., (_, last, _)] = means[..] {
            let (first, last) = (number(first), number(last));
            described.push(format!("{loss}, η = {level}: {first} to {last}"));
        }
    }
    let description = format!("First to last layer: {}.", described.join("; "));
    Some(plot.picture(format!("{} by layer, {panel}", shown.heading), description))
}

/// The first and the last layer at the highest noise level of the largest panel.
fn caption(all: &[&Run]) -> String {
    let (runs, note) = largest_panel(all);
    let levels = levels(&runs);
    let (Some(&clean), Some(&noisy)) = (levels.first(), levels.last()) else {
        return String::new();
    };
    let of_loss = |loss: Loss| {
        let runs = with_loss(&runs, loss);
        let here = at_level(&runs, noisy);
        let mut parts = Vec::new();
        if let Some([first, last]) = ends(&here, &RELATIVE_MEMORIZATION) {
            let (first, last) = (number(first), number(last));
            parts.push(format!(
                "memorization over separation is {first} in the first layer and {last} in the last"
            ));
        }
        if let Some([first, last]) = ends(&here, &AS_GIVEN) {
            let (first, last) = (percent(first, 0), percent(last, 0));
            parts.push(format!(
                "{first} and {last} of the corrupted samples are nearest to their given class"
            ));
        }
        let base = at_level(&runs, clean);
        let dilation = [&here, &base].map(|runs| ends(runs, &DILATION));
        if let ([Some(of), Some(against)], true) = (dilation, noisy > clean) {
            let factors = [0, 1].map(|end| number(of[end] / against[end]));
            parts.push(format!(
                "dilation is {} and {} times that at η = {clean}",
                factors[0], factors[1]
            ));
        }
        (!parts.is_empty()).then(|| format!("{loss}: {}", parts.join(", ")))
    };
    let losses = losses(&runs).into_iter();
    let parts = joined(losses.filter_map(of_loss), "; ");
    format!("At η = {noisy}, {parts}.{note}")
}

/// The means of a quantity in the first and in the last layer.
fn ends(runs: &[&Run], shown: &Shown) -> Option<[f64; 2]> {
    match means(runs, shown)[..] {
        [(_, first, _), .., (_, last, _)] => Some([first, last]),
        _ => None,
    }
}
