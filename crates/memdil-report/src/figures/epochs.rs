//! Collapse and calibration over the epochs of training.

use std::collections::BTreeMap;

use memdil_records::EpochRecord;

use crate::ReportError;
use crate::chart::{Figure, Frame, Group, Key, Picture, Scale, loss_class, mark};
use crate::runs::{Level, Panel, Run, distinct, losses};
use crate::text::number;

use super::{heading, loss_keys, shape, span};
use memdil_claims::stats::mean;

/// Epochs with an evaluation that make a course.
const FEWEST: usize = 4;
/// Panels drawn: those with the most runs.
const PANELS: usize = 2;
/// Marks on a line.
const MARKS: usize = 6;

/// A value of an epoch, its name, and whether its axis is logarithmic.
type Shown = (&'static str, bool, fn(&EpochRecord) -> Option<f64>);

const SHOWN: [Shown; 8] = [
    ("train NC1", true, |e| e.nc1),
    ("NC2 (distance from the frame)", false, |e| e.nc2_etf),
    ("NC3 (classifier against means)", false, |e| e.nc3),
    ("NC4 (nearest mean agrees)", false, |e| e.nc4),
    ("dilation (test NC1)", true, |e| e.test.as_ref()?.dilation),
    ("test ECE", false, |e| e.test.as_ref()?.ece),
    ("test accuracy, %", false, |e| {
        e.test.as_ref().map(|test| 100.0 * test.accuracy)
    }),
    ("memorised as given", false, |e| e.memorized_as_given),
];

/// A loss at a noise level: one list of epochs a seed.
struct Course<'a> {
    loss: &'static str,
    level: Level,
    runs: Vec<(&'a Run, Vec<EpochRecord>)>,
}

/// `None` where no run was evaluated often enough to have a course.
pub(super) fn figure(runs: &[Run]) -> Result<Option<Figure>, ReportError> {
    let often = |run: &&Run| {
        let training = &run.record.spec.training;
        run.last().is_some() && training.epochs / training.evaluate_every >= FEWEST
    };
    let candidates: Vec<&Run> = runs.iter().filter(often).collect();
    let mut panels = distinct(candidates.iter().copied(), Run::panel);
    let all = panels.len();
    panels.sort_by_key(|panel| {
        std::cmp::Reverse(
            candidates
                .iter()
                .filter(|run| run.panel() == *panel)
                .count(),
        )
    });
    panels.truncate(PANELS);
    let mut groups = Vec::new();
    let (mut drawn, mut levels) = (Vec::new(), Vec::new());
    let mut captions = Vec::new();
    for panel in panels {
        let here: Vec<&Run> = candidates
            .iter()
            .copied()
            .filter(|run| run.panel() == panel)
            .collect();
        let of_panel = distinct(here.iter().copied(), Level::of);
        // The extremes tell the story; what lies between lies between.
        let ends: Vec<Level> = match of_panel.as_slice() {
            [first, .., last] => vec![*first, *last],
            other => other.to_vec(),
        };
        let courses = courses(&here, &ends)?;
        if courses.iter().all(|course| course.runs.is_empty()) {
            continue;
        }
        captions.push(caption(&courses, &ends, (all > 1).then_some(panel)));
        levels.extend(ends);
        drawn.extend(
            courses
                .iter()
                .flat_map(|course| course.runs.iter().map(|(run, _)| *run)),
        );
        let pictures: Vec<Picture> = SHOWN
            .iter()
            .filter_map(|shown| picture(shown, &courses, panel))
            .collect();
        groups.push((
            panel,
            Group {
                title: Some(heading(panel, runs)),
                columns: 4,
                pictures,
            },
        ));
    }
    if groups.is_empty() {
        return Ok(None);
    }
    levels.sort();
    levels.dedup();
    let mut legend = loss_keys(&drawn, |_| None);
    // Panels may end at different levels of noise, with one mark.
    for same in levels.chunk_by(|a, b| (a.0 > 0.0) == (b.0 > 0.0)) {
        let names: Vec<String> = same.iter().map(|level| level.0.to_string()).collect();
        legend.push(Key::Shape(
            end_mark(same[0]),
            format!("η = {}", names.join(" or ")),
        ));
    }
    let left_out = all - groups.len();
    let more = if left_out > 0 {
        format!(
            " The {} with the most runs are drawn; {left_out} more are not.",
            if groups.len() == 1 { "panel" } else { "panels" }
        )
    } else {
        String::new()
    };
    Ok(Some(Figure {
        name: "epochs".to_owned(),
        heading: "Collapse over the epochs".to_owned(),
        // Of the panel with the most runs.
        caption: captions.swap_remove(0),
        reading: format!(
            "Means over seeds after each evaluated epoch, for the lowest and the highest noise level. NC1 to NC4 \
             are of the training features and their given labels; as features collapse NC4 goes to one, the others to zero. \
             Dilation, \
             calibration error (ECE) and accuracy are of test images. NC1 and dilation are on logarithmic scales.{more}"
        ),
        legend,
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        side_by_side: false,
    }))
}

/// Noise levels keep their mark across figures only where all are drawn; here there are two at
/// most.
fn end_mark(level: Level) -> crate::chart::Glyph {
    let levels = [Level(0.0), Level(1.0)];
    shape(if level.0 > 0.0 { levels[1] } else { levels[0] }, &levels)
}

fn courses<'a>(runs: &[&'a Run], levels: &[Level]) -> Result<Vec<Course<'a>>, ReportError> {
    let mut courses = Vec::new();
    for loss in losses(runs.iter().copied()) {
        for level in levels {
            let mut course = Course {
                loss,
                level: *level,
                runs: Vec::new(),
            };
            for run in runs
                .iter()
                .filter(|run| run.loss() == loss && Level::of(run) == *level)
            {
                let epochs = run.epochs()?;
                if epochs.len() >= FEWEST {
                    course.runs.push((run, epochs));
                }
            }
            courses.push(course);
        }
    }
    Ok(courses)
}

/// Mean over seeds by epoch.
fn line(course: &Course<'_>, value: fn(&EpochRecord) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut by_epoch: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for epoch in course.runs.iter().flat_map(|(_, epochs)| epochs) {
        if let Some(value) = value(epoch).filter(|v| v.is_finite()) {
            by_epoch.entry(epoch.epoch).or_default().push(value);
        }
    }
    by_epoch
        .into_iter()
        .filter_map(|(epoch, values)| Some((epoch as f64, mean(&values)?)))
        .collect()
}

fn picture((name, log, value): &Shown, courses: &[Course<'_>], panel: &Panel) -> Option<Picture> {
    let lines: Vec<(&Course<'_>, Vec<(f64, f64)>)> = courses
        .iter()
        .map(|course| (course, line(course, *value)))
        .filter(|(_, line)| line.len() > 1)
        .collect();
    let values = span(lines.iter().flat_map(|(_, line)| line.iter().map(|p| p.1)))?;
    let last = lines
        .iter()
        .flat_map(|(_, line)| line.iter().map(|p| p.0))
        .fold(1.0, f64::max);
    let frame = Frame::new(280.0, 220.0);
    let x = Scale::exact([0.0, last], frame.x_range());
    let log = *log && values[0] > 0.0;
    let y = if log {
        Scale::log(values, frame.y_range())
    } else {
        let low = if name.contains('%') {
            values[0]
        } else {
            values[0].min(0.0)
        };
        Scale::linear([low, values[1]], frame.y_range(), 4)
    };
    let mut body = frame.axes(name, (&x, &x.ticks(5), "epoch"), (&y, &y.ticks(5), ""));
    for (course, line) in &lines {
        let class = loss_class(course.loss);
        let path: Vec<String> = line
            .iter()
            .map(|(a, b)| format!("{:.1} {:.1}", x.at(*a), y.at(*b)))
            .collect();
        body += &format!(r#"<path class="line s {class}" d="M{}"/>"#, path.join("L"));
        let every = line.len().div_ceil(MARKS);
        for (a, b) in line.iter().rev().step_by(every) {
            body += &mark(
                end_mark(course.level),
                x.at(*a),
                y.at(*b),
                3.6,
                &format!("mark f {class}"),
            );
        }
    }
    let ends = lines.iter().filter_map(|(course, line)| {
        Some(format!(
            "{} at η = {} ends at {}",
            course.loss,
            course.level.0,
            number(line.last()?.1)
        ))
    });
    Some(Picture {
        width: frame.width,
        height: frame.height,
        title: format!("{name} over epochs, {panel}"),
        desc: ends.collect::<Vec<_>>().join(", ") + ".",
        body,
    })
}

/// How far training features collapsed, and what became of unseen ones.
fn caption(courses: &[Course<'_>], levels: &[Level], panel: Option<&Panel>) -> String {
    let text = |values: Vec<f64>| mean(&values).map_or_else(|| "undefined".to_owned(), number);
    let ends = |level: Level, value: fn(&EpochRecord) -> Option<f64>| {
        let here = || {
            courses
                .iter()
                .filter(|course| course.level == level)
                .flat_map(|course| &course.runs)
        };
        let first = here()
            .filter_map(|(_, epochs)| value(epochs.first()?))
            .collect();
        let last = here()
            .filter_map(|(_, epochs)| value(epochs.last()?))
            .collect();
        format!("{} to {}", text(first), text(last))
    };
    let at = |level: &Level| {
        let (train, test) = (
            ends(*level, |e| e.nc1),
            ends(*level, |e| e.test.as_ref()?.dilation),
        );
        format!(
            "at η = {} mean NC1 of training features goes from {train}, dilation from {test}",
            level.0
        )
    };
    let place = panel.map_or_else(String::new, |panel| format!(" of {panel}"));
    let parts: Vec<String> = levels.iter().map(at).collect();
    format!(
        "From the first evaluated epoch to the last{place}: {}.",
        parts.join("; ")
    )
}
