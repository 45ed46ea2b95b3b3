//! Memorization and dilation against the width of the network, at equal noise.

use std::collections::BTreeMap;

use super::lines::{bars, marked_key};
use crate::chart::{Axis, Figure, Frame, Group, Key, Picture, Plot, span};
use crate::loss::Loss;
use crate::runs::{
    Level, Quantity, Run, compared, distinct, or_undefined, settings_without, summary,
};
use crate::text::{classes, count, number, percent};

/// Sweeps with fewer widths are not drawn.
const FEWEST: usize = 3;

/// Data set with classes, loss and noise level of runs that differ only in width and seed.
type WidthSweep = (String, Loss, Level);

/// Means over the seeds of one width.
#[derive(Clone, Debug)]
struct WidthMeans {
    width: usize,
    share: f64,
    /// Log ratio to the clean network of the same width and seed, with its interval: for all test
    /// samples, and for the correctly classified ones.
    ratios: [Option<(f64, Option<[f64; 2]>)>; 2],
}

const SHOWN: [(Quantity, &str); 2] = [
    (Quantity::Dilation, "dilation relative to the clean network"),
    (
        Quantity::DilationCorrect,
        "dilation of correct samples relative to the clean network",
    ),
];

/// `None` with fewer than three widths.
pub(super) fn figure(runs: &[&Run]) -> Option<Figure> {
    let mut sweeps: BTreeMap<String, Vec<(WidthSweep, Vec<WidthMeans>)>> = BTreeMap::new();
    for (key, widths) in by_width(runs) {
        if widths.len() >= FEWEST {
            let of_data_set = sweeps.entry(key.0.clone()).or_default();
            of_data_set.push((key, widths));
        }
    }
    let (_, first) = sweeps.first_key_value()?;
    let caption = caption(first.last()?);
    let mut groups = Vec::new();
    for (data_set, sweeps) in &sweeps {
        let pictures = (0..SHOWN.len()).filter_map(|index| picture(index, sweeps, data_set));
        groups.push(Group::titled(data_set, 2, pictures.collect()));
    }
    Some(Figure {
        caption,
        reading: format!(
            "Each mark is the mean over seeds of one width, which is printed below it if there is room. Horizontal axis: \
             share of corrupted training samples predicted as their given label. Vertical axis, logarithmic: NC1 of the test \
             features divided by that of the clean network with the same settings and seed; above 1, the noise dilates. \
             Right: correctly classified test samples only. {}",
            bars()
        ),
        legend: legend(&sweeps),
        groups,
        ..Figure::new("capacity", "Networks that memorise more at equal noise")
    })
}

fn legend(sweeps: &BTreeMap<String, Vec<(WidthSweep, Vec<WidthMeans>)>>) -> Vec<Key> {
    let sweeps = sweeps.values().flatten();
    let names = distinct(sweeps.map(|((_, loss, level), _)| (*loss, *level)));
    let key = |(loss, level): (Loss, Level)| marked_key(loss, format!("{loss}, η = {level}"));
    names.into_iter().map(key).collect()
}

/// All settings except the noise, which a noisy network and its clean partner share.
fn same(run: &Run) -> String {
    settings_without(&run.record.spec, ["noise"]).to_string()
}

/// Means over the noisy runs of each data set, loss, noise level and width, compared with the clean
/// runs.
fn by_width(runs: &[&Run]) -> BTreeMap<WidthSweep, Vec<WidthMeans>> {
    let mut clean = BTreeMap::new();
    for run in runs.iter().filter(|run| run.eta() <= 0.0) {
        clean.insert(same(run), *run);
    }
    let mut noisy: BTreeMap<(WidthSweep, usize), Vec<(&Run, &Run)>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.eta() > 0.0) {
        let spec = &run.record.spec;
        if let (Some(clean), Some(width)) = (clean.get(&same(run)), spec.model.width()) {
            let data_set = format!(
                "{} {}",
                spec.data.source.name(),
                classes(&spec.data.classes)
            );
            let sweep = (data_set, run.loss(), run.level());
            noisy.entry((sweep, width)).or_default().push((run, clean));
        }
    }
    let mut widths: BTreeMap<WidthSweep, Vec<WidthMeans>> = BTreeMap::new();
    for ((sweep, width), pairs) in noisy {
        let shares = pairs.iter().map(|(run, _)| {
            let share = run.value(Quantity::MemorizedAsGiven)?;
            Some((run.seed(), share))
        });
        if let Some((share, _)) = summary(shares.flatten()) {
            widths.entry(sweep).or_default().push(WidthMeans {
                width,
                share,
                ratios: SHOWN.map(|(quantity, _)| summary(compared(&pairs, quantity, true))),
            });
        }
    }
    widths
}

fn picture(
    index: usize,
    sweeps: &[(WidthSweep, Vec<WidthMeans>)],
    data_set: &str,
) -> Option<Picture> {
    let heading = SHOWN[index].1;
    let (mut shares, mut heights) = (vec![0.0, 1.0], vec![0.0]);
    for width in sweeps.iter().flat_map(|(_, widths)| widths) {
        if let Some((mean, interval)) = width.ratios[index] {
            shares.push(width.share);
            heights.push(mean);
            heights.extend(interval.iter().flatten());
        }
    }
    let (across, heights) = (span(shares)?, span(heights)?.map(f64::exp));
    let mut plot = Plot::new(
        Frame::new(440.0, 300.0),
        heading,
        &Axis::exact(across, "memorised share"),
        &Axis::log(heights, "").max_ticks(8),
    );
    plot.level("zero", 1.0);
    let mut ends = Vec::new();
    for ((_, loss, level), widths) in sweeps {
        let colour = loss.colour();
        let mut marks = Vec::new();
        for width in widths {
            if let Some((mean, interval)) = width.ratios[index] {
                let at = (width.share, mean.exp());
                marks.push((width.width, at, interval));
            }
        }
        plot.series(colour, marks.iter().map(|(_, at, _)| *at));
        let mut labelled = f64::NEG_INFINITY;
        for (width, at, interval) in &marks {
            if let Some(ends) = interval {
                plot.bar(colour, at.0, ends.map(f64::exp), 0.0);
            }
            plot.mark(loss.glyph(), colour, 4.2, *at, 0.0);
            // Marks too close to the last labelled mark have no label.
            let x = plot.x.at(at.0);
            if x - labelled > 18.0 {
                plot.note(&width.to_string(), *at, 14.0);
                labelled = x;
            }
        }
        if let [(first, from, _), .., (last, to, _)] = marks.as_slice() {
            let (from, to) = (number(from.1), number(to.1));
            ends.push(format!(
                "{loss}, η = {level}: {from} at width {first}, {to} at width {last}"
            ));
        }
    }
    Some(plot.picture(format!("{heading}, {data_set}"), ends.join("; ") + "."))
}

fn caption(((data_set, loss, level), widths): &(WidthSweep, Vec<WidthMeans>)) -> String {
    let by_share = |a: &&WidthMeans, b: &&WidthMeans| a.share.total_cmp(&b.share);
    let least = widths.iter().min_by(by_share);
    let (Some(least), Some(most)) = (least, widths.iter().max_by(by_share)) else {
        return String::new();
    };
    let ratio = |width: &WidthMeans, index: usize| {
        or_undefined(width.ratios[index].map(|(mean, _)| mean.exp()))
    };
    format!(
        "{data_set}, {loss}, η = {level}, {}: at width {}, networks memorise {} of the corrupted samples and their dilation is \
         {} times that of clean networks; at width {}, they memorise {} and the factor is {}. For correctly classified samples \
         only, the factors are {} and {}.",
        count(widths.len(), "width", "widths"),
        least.width,
        percent(least.share, 0),
        ratio(least, 0),
        most.width,
        percent(most.share, 0),
        ratio(most, 0),
        ratio(least, 1),
        ratio(most, 1)
    )
}
