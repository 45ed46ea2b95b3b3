//! Neural collapse, dilation and calibration over the epochs of training.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use memdil_records::EpochRecord;

use super::lines::{FEWEST_EVALUATIONS, has_epoch_curve, loss_keys};
use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Picture, Plot, Symbol, span};
use crate::error::ReportError;
use crate::loss::Loss;
use crate::runs::{
    Level, Panel, Run, at_level, by_panel, distinct, levels, losses, mean, or_undefined, select,
    with_loss,
};
use crate::text::{joined, number, when};

/// Maximum number of panels drawn; those with the most runs are chosen.
const PANELS: usize = 2;
/// Maximum number of marks on a line.
const MARKS: usize = 6;

/// The quantity of a picture: its name, its path in the records, and whether its axis is
/// logarithmic. The path with the suffix `_random` is its value for a random classifier or for
/// random class means.
type ShownQuantity = (&'static str, &'static str, bool);

/// The marks of the lowest and the highest noise level.
const ENDS: [Glyph; 2] = [Glyph::Circle, Glyph::Square];

const SHOWN: [ShownQuantity; 9] = [
    ("train NC1", "nc1", true),
    ("NC2, classifier to a simplex frame", "nc2_etf", false),
    ("NC2, means to an orthogonal frame", "nc2_orthogonal", false),
    ("NC3, classifier to means", "nc3", false),
    ("NC4, agreement with nearest mean", "nc4", false),
    ("dilation (test NC1)", "test.dilation", true),
    ("test accuracy", "test.accuracy", false),
    ("test ECE", "test.ece", false),
    ("memorised share", "memorized_as_given", false),
];

/// The evaluated epochs of all runs of a loss at a noise level.
struct EpochCurves {
    loss: Loss,
    level: Level,
    /// Circle at the lowest level of the panel, square at the highest.
    glyph: Glyph,
    runs: Vec<Vec<EpochRecord>>,
}

impl EpochCurves {
    /// Means over seeds by epoch.
    fn line(&self, quantity: &str) -> Vec<(f64, f64)> {
        let mut by_epoch: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for epoch in self.runs.iter().flatten() {
            if let Some(value) = epoch.quantity(quantity) {
                by_epoch.entry(epoch.epoch).or_default().push(value);
            }
        }
        let point = |(epoch, values)| Some((epoch as f64, mean(values)?));
        by_epoch.into_iter().filter_map(point).collect()
    }
}

/// `None` if no run has enough evaluations.
pub(super) fn figure(runs: &[&Run]) -> Result<Option<Figure>, ReportError> {
    let candidates = select(runs, has_epoch_curve);
    let mut panels = by_panel(&candidates);
    let all = panels.len();
    panels.sort_by_key(|(_, runs)| Reverse(runs.len()));
    panels.truncate(PANELS);
    let (mut groups, mut drawn, mut ends_drawn) = (Vec::new(), Vec::new(), Vec::new());
    let mut captions = Vec::new();
    for (panel, here) in panels {
        // Only the lowest and the highest noise level are drawn.
        let levels = levels(&here);
        let mut ends: Vec<Level> = [levels.first(), levels.last()]
            .into_iter()
            .flatten()
            .copied()
            .collect();
        ends.dedup();
        let curves = curves(&here, &ends)?;
        if curves.iter().all(|curve| curve.runs.is_empty()) {
            continue;
        }
        captions.push(caption(&curves, &ends, (all > 1).then_some(panel)));
        let pictures = SHOWN.map(|shown| picture(shown, &curves, panel));
        let pictures = pictures.into_iter().flatten().collect();
        groups.push(Group::titled(panel, 3, pictures));
        ends_drawn.push(ends);
        drawn.extend(here);
    }
    if captions.is_empty() {
        return Ok(None);
    }
    let more = all - groups.len();
    let text = format!(" {more} panels with fewer runs are not drawn.");
    let more = when(more > 0, text);
    Ok(Some(Figure {
        // The first caption is that of the panel with the most runs.
        caption: captions.swap_remove(0),
        reading: format!(
            "Means over seeds at each evaluated epoch, for the lowest and the highest noise level. NC1 to NC4 are measured \
             on the training features with their given labels: as features collapse, NC4 tends to one and the others tend to \
             zero. Dotted: value for a random classifier, or for random class means, of the same shape. Dilation, calibration \
             error (ECE) and accuracy are measured on test images. NC1 and dilation are on logarithmic scales.{more}"
        ),
        legend: legend(&drawn, &ends_drawn),
        groups,
        ..Figure::new("epochs", "Collapse during training")
    }))
}

/// The levels of several panels share a mark, so that a label may list several levels.
fn legend(drawn: &[&Run], ends: &[Vec<Level>]) -> Vec<Key> {
    let mut legend = loss_keys(drawn);
    for (index, glyph) in ENDS.into_iter().enumerate() {
        let same = distinct(ends.iter().filter_map(|ends| ends.get(index)));
        let names = joined(same.iter().map(ToString::to_string), " or ");
        if !names.is_empty() {
            legend.push(Key::new(Symbol::Shape(glyph), format!("η = {names}")));
        }
    }
    legend
}

fn curves(runs: &[&Run], levels: &[Level]) -> Result<Vec<EpochCurves>, ReportError> {
    let mut curves = Vec::new();
    for loss in losses(runs) {
        for (level, glyph) in levels.iter().zip(ENDS) {
            let mut curve = EpochCurves {
                loss,
                level: *level,
                glyph,
                runs: Vec::new(),
            };
            for run in at_level(&with_loss(runs, loss), *level) {
                let epochs = run.epochs()?;
                if epochs.len() >= FEWEST_EVALUATIONS {
                    curve.runs.push(epochs);
                }
            }
            curves.push(curve);
        }
    }
    Ok(curves)
}

fn picture(
    (name, quantity, log): ShownQuantity,
    curves: &[EpochCurves],
    panel: &Panel,
) -> Option<Picture> {
    let lines = curves.iter().map(|curve| (curve, curve.line(quantity)));
    let lines: Vec<_> = lines.filter(|(_, line)| line.len() > 1).collect();
    let random = format!("{quantity}_random");
    let random = curves.iter().flat_map(|curve| curve.line(&random));
    let random = mean(random.map(|(_, value)| value));
    let points = || lines.iter().flat_map(|(_, line)| line);
    let [low, high] = span(points().map(|point| point.1).chain(random))?;
    let last = points().map(|point| point.0).fold(1.0, f64::max);
    let y = if log && low > 0.0 {
        Axis::log([low, high], "")
    } else if quantity == "test.accuracy" {
        Axis::linear([low, high], "").max_ticks(4)
    } else {
        Axis::linear([low.min(0.0), high], "").max_ticks(4)
    };
    let x = Axis::exact([0.0, last], "epoch");
    let mut plot = Plot::new(Frame::new(370.0, 220.0), name, &x, &y);
    let mut ends = Vec::new();
    for (curve, line) in &lines {
        let (loss, level, colour) = (curve.loss, curve.level, curve.loss.colour());
        plot.series(colour, line.iter().copied());
        let every = line.len().div_ceil(MARKS);
        for point in line.iter().rev().step_by(every) {
            plot.mark(curve.glyph, colour, 3.6, *point, 0.0);
        }
        let last = number(line[line.len() - 1].1);
        ends.push(format!("{loss} at η = {level} ends at {last}"));
    }
    if let Some(random) = random {
        plot.dashed("contour", "2 5", [(0.0, random), (last, random)]);
    }
    let title = format!("{name} over epochs, {panel}");
    Some(plot.picture(title, ends.join(", ") + "."))
}

/// The changes of NC1 of the training features and of dilation, for the first loss.
fn caption(curves: &[EpochCurves], levels: &[Level], panel: Option<&Panel>) -> String {
    let Some(loss) = curves.iter().map(|curve| curve.loss).min() else {
        return String::new();
    };
    let ends = |level: Level, quantity: &str| {
        let mut curves = curves.iter();
        let curve = curves.find(|curve| curve.loss == loss && curve.level == level);
        let line = curve.map_or_else(Vec::new, |curve| curve.line(quantity));
        let [first, last] =
            [line.first(), line.last()].map(|point| or_undefined(point.map(|p| p.1)));
        format!("{first} to {last}")
    };
    let place = panel.map_or_else(String::new, |panel| format!(" ({panel})"));
    let mut parts = Vec::new();
    for &level in levels {
        let (train, test) = (ends(level, "nc1"), ends(level, "test.dilation"));
        parts.push(format!(
            "at η = {level}, mean NC1 of the training features changes from {train} and mean dilation from {test}"
        ));
    }
    format!(
        "{loss}{place}, from the first to the last evaluated epoch: {}.",
        parts.join("; ")
    )
}
