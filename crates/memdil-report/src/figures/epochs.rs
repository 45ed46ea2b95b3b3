//! Collapse and calibration over the epochs of training.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use memdil_claims::stats::mean;
use memdil_records::EpochRecord;

use super::{FEWEST_EVALUATIONS, has_course, loss_keys, or_undefined};
use crate::ReportError;
use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Picture, Plot, span};
use crate::loss::Loss;
use crate::runs::{Level, Panel, Run, at, by_panel, distinct, losses, under};
use crate::text::number;

/// Panels drawn: those with the most runs.
const PANELS: usize = 2;
/// Marks on a line.
const MARKS: usize = 6;

/// What one panel shows.
struct Shown {
    name: &'static str,
    /// Path of the quantity in the records.
    quantity: &'static str,
    log: bool,
    /// The same of a random classifier, or of random class means.
    random: Option<&'static str>,
}

impl Shown {
    const fn new(name: &'static str, quantity: &'static str, log: bool) -> Self {
        Self {
            name,
            quantity,
            log,
            random: None,
        }
    }

    const fn beside(self, random: &'static str) -> Self {
        Self {
            random: Some(random),
            ..self
        }
    }
}

const SHOWN: [Shown; 9] = [
    Shown::new("train NC1", "nc1", true),
    Shown::new("NC2, classifier to a simplex frame", "nc2_etf", false).beside("nc2_etf_random"),
    Shown::new("NC2, means to an orthogonal frame", "nc2_orthogonal", false)
        .beside("nc2_orthogonal_random"),
    Shown::new("NC3, classifier to means", "nc3", false).beside("nc3_random"),
    Shown::new("NC4, nearest mean agrees", "nc4", false),
    Shown::new("dilation (test NC1)", "test.dilation", true),
    Shown::new("test accuracy", "test.accuracy", false),
    Shown::new("test ECE", "test.ece", false),
    Shown::new("memorised share", "memorized_as_given", false),
];

/// A loss at a noise level: the evaluations of each seed.
struct Course {
    loss: Loss,
    level: Level,
    /// A circle at the lowest level of the panel, a square at the highest.
    glyph: Glyph,
    runs: Vec<Vec<EpochRecord>>,
}

impl Course {
    /// Mean over seeds by epoch.
    fn line(&self, quantity: &str) -> Vec<(f64, f64)> {
        let mut by_epoch: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for epoch in self.runs.iter().flatten() {
            if let Some(value) = epoch.quantity(quantity) {
                by_epoch.entry(epoch.epoch).or_default().push(value);
            }
        }
        let point = |(epoch, values): (usize, Vec<f64>)| Some((epoch as f64, mean(&values)?));
        by_epoch.into_iter().filter_map(point).collect()
    }
}

/// `None` where no run was evaluated often enough.
pub(super) fn figure(runs: &[Run]) -> Result<Option<Figure>, ReportError> {
    let candidates: Vec<&Run> = runs.iter().filter(|run| has_course(run)).collect();
    let mut panels = by_panel(&candidates);
    let all = panels.len();
    panels.sort_by_key(|(_, runs)| Reverse(runs.len()));
    panels.truncate(PANELS);
    let (mut groups, mut drawn, mut levels) = (Vec::new(), Vec::new(), Vec::new());
    let mut captions = Vec::new();
    for (panel, here) in panels {
        let of_panel = distinct(here.iter().copied(), Level::of);
        // The lowest and the highest level.
        let ends: Vec<Level> = match of_panel.as_slice() {
            [first, .., last] => vec![*first, *last],
            other => other.to_vec(),
        };
        let courses = courses(&here, &ends)?;
        if courses.iter().all(|course| course.runs.is_empty()) {
            continue;
        }
        captions.push(caption(&courses, &ends, (all > 1).then_some(panel)));
        let picture = |shown: &Shown| picture(shown, &courses, panel);
        groups.push(Group {
            title: Some(panel.to_string()),
            columns: 3,
            pictures: SHOWN.iter().filter_map(picture).collect(),
        });
        levels.push(ends);
        drawn.extend(here);
    }
    if captions.is_empty() {
        return Ok(None);
    }
    let more = match all - groups.len() {
        0 => String::new(),
        n => format!(" {n} panels with fewer runs are not drawn."),
    };
    Ok(Some(Figure {
        name: "epochs".to_owned(),
        heading: "Collapse along training".to_owned(),
        // Of the panel with the most runs.
        caption: captions.swap_remove(0),
        reading: format!(
            "Means over seeds at each evaluated epoch, for the lowest and the highest noise level. NC1 to NC4 are of the \
             training features and their given labels: as features collapse NC4 goes to one, the others to zero. Dotted: \
             the same of a random classifier, or of random class means, of this shape. Dilation, calibration error (ECE) \
             and accuracy are of test images. NC1 and dilation are on logarithmic scales.{more}"
        ),
        legend: legend(&drawn, &levels),
        groups,
        side_by_side: false,
    }))
}

/// Panels may differ in their lowest and highest levels, which have one mark each.
fn legend(drawn: &[&Run], levels: &[Vec<Level>]) -> Vec<Key> {
    let mut legend = loss_keys(drawn);
    for (index, glyph) in [Glyph::Circle, Glyph::Square].into_iter().enumerate() {
        let mut same: Vec<Level> = levels
            .iter()
            .filter_map(|ends| ends.get(index).copied())
            .collect();
        same.sort_unstable();
        same.dedup();
        let names: Vec<String> = same.iter().map(|level| level.0.to_string()).collect();
        if !names.is_empty() {
            legend.push(Key::Shape(glyph, format!("η = {}", names.join(" or "))));
        }
    }
    legend
}

fn courses(runs: &[&Run], levels: &[Level]) -> Result<Vec<Course>, ReportError> {
    let mut courses = Vec::new();
    for loss in losses(runs.iter().copied()) {
        for (level, glyph) in levels.iter().zip([Glyph::Circle, Glyph::Square]) {
            let mut course = Course {
                loss,
                level: *level,
                glyph,
                runs: Vec::new(),
            };
            for run in at(&under(runs, loss), *level) {
                let epochs = run.epochs()?;
                if epochs.len() >= FEWEST_EVALUATIONS {
                    course.runs.push(epochs);
                }
            }
            courses.push(course);
        }
    }
    Ok(courses)
}

fn picture(shown: &Shown, courses: &[Course], panel: &Panel) -> Option<Picture> {
    let lines: Vec<(&Course, Vec<(f64, f64)>)> = courses
        .iter()
        .map(|course| (course, course.line(shown.quantity)))
        .filter(|(_, line)| line.len() > 1)
        .collect();
    let random = shown.random.and_then(|quantity| {
        let all = courses.iter().flat_map(|course| course.line(quantity));
        mean(&all.map(|point| point.1).collect::<Vec<_>>())
    });
    let points = || lines.iter().flat_map(|(_, line)| line);
    let [low, high] = span(points().map(|point| point.1).chain(random))?;
    let last = points().map(|point| point.0).fold(1.0, f64::max);
    let y = if shown.log && low > 0.0 {
        Axis::log([low, high], "")
    } else if shown.quantity == "test.accuracy" {
        Axis::linear([low, high], "").most(4)
    } else {
        Axis::linear([low.min(0.0), high], "").most(4)
    };
    let x = Axis::exact([0.0, last], "epoch");
    let mut plot = Plot::new(Frame::new(370.0, 220.0), shown.name, &x, &y);
    for (course, line) in &lines {
        let colour = course.loss.colour();
        plot.line(&format!("line s {colour}"), line.iter().copied());
        let every = line.len().div_ceil(MARKS);
        for point in line.iter().rev().step_by(every) {
            plot.mark(course.glyph, colour, 3.6, *point, 0.0);
        }
    }
    if let Some(random) = random {
        plot.dashed("contour", "2 5", [(0.0, random), (last, random)]);
    }
    let ends = lines.iter().filter_map(|(course, line)| {
        let (loss, level) = (course.loss, course.level.0);
        Some(format!(
            "{loss} at η = {level} ends at {}",
            number(line.last()?.1)
        ))
    });
    let ends: Vec<String> = ends.collect();
    Some(plot.picture(
        format!("{} over epochs, {panel}", shown.name),
        ends.join(", ") + ".",
    ))
}

/// How far training features of the first loss collapsed, and what became of test features.
fn caption(courses: &[Course], levels: &[Level], panel: Option<&Panel>) -> String {
    let Some(loss) = courses.iter().map(|course| course.loss).min() else {
        return String::new();
    };
    let ends = |level: Level, quantity: &str| {
        let course = courses
            .iter()
            .find(|course| course.loss == loss && course.level == level);
        let line = course.map_or_else(Vec::new, |course| course.line(quantity));
        let value = |point: Option<&(f64, f64)>| or_undefined(point.map(|point| point.1));
        format!("{} to {}", value(line.first()), value(line.last()))
    };
    let at = |level: &Level| {
        let (train, test) = (ends(*level, "nc1"), ends(*level, "test.dilation"));
        format!(
            "at η = {} mean NC1 of training features from {train}, dilation from {test}",
            level.0
        )
    };
    let place = panel.map_or_else(String::new, |panel| format!(" ({panel})"));
    let parts: Vec<String> = levels.iter().map(at).collect();
    format!(
        "{loss}{place}, from the first evaluated epoch to the last: {}.",
        parts.join("; ")
    )
}
