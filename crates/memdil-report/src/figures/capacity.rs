//! Memorization and dilation over the width of the network, at equal noise.

use std::collections::BTreeMap;

use super::{bars, or_undefined, summary};
use crate::chart::{Axis, Figure, Frame, Group, Key, Picture, Plot, span};
use crate::loss::Loss;
use crate::runs::{Level, Quantity, Run};
use crate::text::{classes, count, number, percent};

/// Widths that make a course.
const FEWEST: usize = 3;

/// Data set with classes, loss and noise level: runs that differ in width and seed only.
type Course = (String, Loss, Level);

/// What the networks of one width did, on average over seeds.
#[derive(Clone, Debug)]
struct Width {
    width: usize,
    share: f64,
    /// Log ratio to the clean network of the same width and seed, with its interval: of all test
    /// samples, and of those classified correctly.
    ratios: [Option<(f64, Option<[f64; 2]>)>; 2],
}

const SHOWN: [(Quantity, &str); 2] = [
    (Quantity::Dilation, "dilation / that of the clean network"),
    (
        Quantity::DilationCorrect,
        "dilation of correct samples / that of the clean network",
    ),
];

/// `None` with fewer than three widths.
pub(super) fn figure(runs: &[Run]) -> Option<Figure> {
    let mut courses: BTreeMap<String, Vec<(Course, Vec<Width>)>> = BTreeMap::new();
    for (key, widths) in by_width(runs) {
        if widths.len() >= FEWEST {
            courses
                .entry(key.0.clone())
                .or_default()
                .push((key, widths));
        }
    }
    let (_, first) = courses.first_key_value()?;
    let caption = caption(first.last()?);
    let group = |(place, courses): (&String, &Vec<(Course, Vec<Width>)>)| {
        let picture = |index: usize| picture(index, courses, place);
        Group {
            title: Some(place.clone()),
            columns: 2,
            pictures: (0..SHOWN.len()).filter_map(picture).collect(),
        }
    };
    Some(Figure {
        name: "capacity".to_owned(),
        heading: "Networks that memorise more, at equal noise".to_owned(),
        caption,
        reading: format!(
            "A mark is a width (the number beside it, where there is room), a mean over seeds. Across: the share of corrupted training \
             samples predicted as their given label. Up, on a logarithmic scale: NC1 of the test features over that of the clean \
             network of the same settings and seed; above 1 the noise dilates. Right: test samples that are classified correctly \
             alone. {}",
            bars()
        ),
        legend: legend(&courses),
        groups: courses.iter().map(group).collect(),
        side_by_side: false,
    })
}

fn legend(courses: &BTreeMap<String, Vec<(Course, Vec<Width>)>>) -> Vec<Key> {
    let lines = courses.values().flatten();
    let mut names: Vec<(Loss, Level)> =
        lines.map(|((_, loss, level), _)| (*loss, *level)).collect();
    names.sort_unstable();
    names.dedup();
    let key = |(loss, level): (Loss, Level)| {
        Key::Colour(
            loss.colour(),
            Some(loss.glyph()),
            format!("{loss}, η = {}", level.0),
        )
    };
    names.into_iter().map(key).collect()
}

/// All settings but the noise: runs that agree in them are a noisy network and its clean partner.
fn same(run: &Run) -> String {
    let mut settings = serde_json::to_value(&run.record.spec).unwrap_or_default();
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("noise");
    }
    settings.to_string()
}

/// Seed, and a quantity of a noisy network over that of its clean partner.
fn log_ratio((run, clean): &(&Run, &Run), quantity: Quantity) -> Option<(u64, f64)> {
    let ratio = (run.value(quantity)? / clean.value(quantity)?).ln();
    ratio.is_finite().then_some((run.seed(), ratio))
}

/// Noisy runs by data, loss, noise level and width, each compared with the clean run of its width.
fn by_width(runs: &[Run]) -> BTreeMap<Course, Vec<Width>> {
    let mut clean = BTreeMap::new();
    for run in runs.iter().filter(|run| run.eta() <= 0.0) {
        clean.insert(same(run), run);
    }
    let mut noisy: BTreeMap<(Course, usize), Vec<(&Run, &Run)>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.eta() > 0.0) {
        if let (Some(clean), Some(width)) = (clean.get(&same(run)), run.record.spec.model.width()) {
            let data = &run.record.spec.data;
            let place = format!("{} {}", data.source.name(), classes(&data.classes));
            let key = (place, run.loss(), Level::of(run));
            noisy.entry((key, width)).or_default().push((run, clean));
        }
    }
    let mut widths: BTreeMap<Course, Vec<Width>> = BTreeMap::new();
    for ((key, width), pairs) in noisy {
        let share =
            |(run, _): &(&Run, &Run)| Some((run.seed(), run.value(Quantity::MemorizedAsGiven)?));
        let ratio = |quantity| summary(pairs.iter().filter_map(|pair| log_ratio(pair, quantity)));
        if let Some((share, _)) = summary(pairs.iter().filter_map(share)) {
            widths.entry(key).or_default().push(Width {
                width,
                share,
                ratios: SHOWN.map(|(quantity, _)| ratio(quantity)),
            });
        }
    }
    widths
}

fn picture(index: usize, courses: &[(Course, Vec<Width>)], place: &str) -> Option<Picture> {
    let heading = SHOWN[index].1;
    let points = || {
        let widths = courses.iter().flat_map(|(_, widths)| widths);
        widths.filter_map(move |width| Some((width.share, width.ratios[index]?)))
    };
    let heights =
        points().flat_map(|(_, (mean, bar))| [mean].into_iter().chain(bar.into_iter().flatten()));
    let [low, high] = span(heights.chain([0.0]))?.map(f64::exp);
    let across = span(points().map(|(share, _)| share).chain([0.0, 1.0]))?;
    let mut plot = Plot::new(
        Frame::new(440.0, 300.0),
        heading,
        &Axis::exact(across, "memorised share"),
        &Axis::log([low, high], "").most(8),
    );
    plot.level("zero", 1.0);
    let mut ends = Vec::new();
    for ((_, loss, level), widths) in courses {
        let colour = loss.colour();
        let marks: Vec<_> = widths
            .iter()
            .filter_map(|width| Some((width, width.ratios[index]?)))
            .collect();
        let line = marks
            .iter()
            .map(|(width, (mean, _))| (width.share, mean.exp()));
        plot.line(&format!("line s {colour}"), line);
        let mut labelled = f64::NEG_INFINITY;
        for (width, (mean, interval)) in &marks {
            let at = (width.share, mean.exp());
            if let Some(ends) = interval {
                plot.bar(colour, at.0, ends.map(f64::exp), 0.0);
            }
            plot.mark(loss.glyph(), colour, 4.2, at, 0.0);
            // Marks that lie too close to the last label have none.
            let x = plot.x.at(at.0);
            if x - labelled > 18.0 {
                plot.note(&width.width.to_string(), at, 14.0);
                labelled = x;
            }
        }
        if let [first, .., last] = marks.as_slice() {
            let text = |(width, (mean, _)): &(&Width, (f64, _))| {
                format!("{} at width {}", number(mean.exp()), width.width)
            };
            ends.push(format!(
                "{loss}, η = {}: {}, {}",
                level.0,
                text(first),
                text(last)
            ));
        }
    }
    Some(plot.picture(format!("{heading}, {place}"), ends.join("; ") + "."))
}

fn caption(((place, loss, level), widths): &(Course, Vec<Width>)) -> String {
    let (Some(least), Some(most)) = (
        widths.iter().min_by(|a, b| a.share.total_cmp(&b.share)),
        widths.iter().max_by(|a, b| a.share.total_cmp(&b.share)),
    ) else {
        return String::new();
    };
    let ratio =
        |width: &Width, index: usize| or_undefined(width.ratios[index].map(|(mean, _)| mean.exp()));
    format!(
        "{place}, {loss}, η = {}, {}: at width {} networks memorise {} of the corrupted samples and dilation is {} times that \
         of clean networks; at width {} they memorise {} and it is {} times. Of correctly classified samples: {} and {} times.",
        level.0,
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
