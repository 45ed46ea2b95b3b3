//! Decomposes dilation into test error and the spread of the correctly classified samples.

use super::levels::{level_keys, shape};
use super::lines::loss_keys;
use crate::chart::{Axis, Figure, Frame, Group, Key, Plot, Symbol, span};
use crate::runs::{
    Level, Panel, Quantity, Run, by_panel, largest_panel, levels, means_by_loss, or_undefined,
    r_squared, select,
};
use crate::text::{count, when};

/// Number of points of the curve.
const POINTS: usize = 60;

/// The dilation of two classes that are concentrated at two points, with a share `error` of each
/// class at the point of the other class, and with an NC1 of `rest` around the points.
///
/// If the distance of the points is 1, the class means are $1-2e$ apart, so that the variance
/// between classes is $(1-2e)^2/4$; the variance within a class is $e(1-e)$. NC1 is their ratio
/// divided by the number of classes: $(2e(1-e) + NC_1^0) / (1-2e)^2$.
fn dilation_of(error: f64, rest: f64) -> f64 {
    (2.0 * error * (1.0 - error) + rest) / (1.0 - 2.0 * error).powi(2)
}

/// A run with its measured values.
#[derive(Clone, Copy)]
struct RunPoint<'a> {
    run: &'a Run,
    error: f64,
    dilation: f64,
    rest: f64,
}

impl<'a> RunPoint<'a> {
    fn of(run: &'a Run) -> Option<Self> {
        let point = Self {
            run,
            error: 1.0 - run.value(Quantity::Accuracy)? / 100.0,
            dilation: run.value(Quantity::Dilation)?,
            rest: run.value(Quantity::DilationCorrect)?,
        };
        (point.error < 0.5).then_some(point)
    }
}

/// The vertical coordinate of a mark.
type Height = fn(&RunPoint<'_>) -> f64;

/// The headings and heights of the left and the right picture.
const SHOWN: [(&str, Height); 2] = [
    ("dilation (test NC1)", |point| point.dilation),
    ("dilation, correct samples only", |point| point.rest),
];

/// `None` without two-class runs.
pub(super) fn figure(runs: &[&Run]) -> Option<Figure> {
    let two = select(runs, |run| run.record.spec.data.classes.len() == 2);
    let drawn = select(&two, |run| RunPoint::of(run).is_some());
    if drawn.is_empty() {
        return None;
    }
    // Completed runs of two classes that have no point.
    let excluded = select(&two, |run| run.test().is_some()).len() - drawn.len();
    let excluded_text = format!(
        " {} not drawn because the test error is at least one half or the dilation of correct samples is undefined.",
        count(excluded, "run is", "runs are")
    );
    let levels = levels(&drawn);
    let mut legend = loss_keys(&drawn);
    legend.extend(level_keys(&levels));
    legend.push(Key::new(Symbol::Line, "test error alone, no parameter"));
    let panels = by_panel(&drawn).into_iter();
    Some(Figure {
        caption: caption(&drawn),
        reading: format!(
            "Left: dilation against test error, one mark per run. The line is 2e(1 − e)/(1 − 2e)², the dilation of two classes \
             that have collapsed to two points, with a share e of each class at the point of the other. Runs above the line \
             have additional spread; runs below it have unequal errors in the two classes, or misclassified samples that do \
             not reach the other class. Right: NC1 of the correctly classified test samples around their own class means, \
             against the same errors and on the same scale. R² is relative to the mean over runs.{}",
            when(excluded > 0, excluded_text)
        ),
        legend,
        groups: panels
            .map(|(panel, runs)| group(panel, &runs, &levels))
            .collect(),
        ..Figure::new("decomposition", "Dilation explained by test error")
    })
}

fn caption(all: &[&Run]) -> String {
    let (runs, note) = largest_panel(all);
    let all: Vec<RunPoint<'_>> = runs.iter().filter_map(|run| RunPoint::of(run)).collect();
    let mut noisy = all.clone();
    noisy.retain(|point| point.run.eta() > 0.0);
    format!(
        "Test error alone, without fitted parameters, predicts dilation with R² = {} over {} ({} over the {} with noise); \
         adding the spread of each run’s correct samples gives {} ({}).{note}",
        fit(&all, |_| 0.0),
        count(all.len(), "run", "runs"),
        fit(&noisy, |_| 0.0),
        noisy.len(),
        fit(&all, |point| point.rest),
        fit(&noisy, |point| point.rest),
    )
}

/// R² of dilation predicted from test error and the spread of the correct samples.
fn fit(points: &[RunPoint<'_>], rest: fn(&RunPoint<'_>) -> f64) -> String {
    let pair = |point: &RunPoint<'_>| (point.dilation, dilation_of(point.error, rest(point)));
    or_undefined(r_squared(&points.iter().map(pair).collect::<Vec<_>>()))
}

fn group(panel: &Panel, runs: &[&Run], levels: &[Level]) -> Group {
    let points: Vec<RunPoint<'_>> = runs.iter().filter_map(|run| RunPoint::of(run)).collect();
    let widest = points.iter().map(|point| point.error).fold(0.01, f64::max);
    let mut heights = vec![dilation_of(widest, 0.0)];
    heights.extend(points.iter().flat_map(|point| [point.dilation, point.rest]));
    heights.retain(|height| *height > 0.0);
    let heights = span(heights).unwrap_or([0.01, 1.0]);
    let all = count(points.len(), "run", "runs");
    let mean = means_by_loss(runs, Quantity::Accuracy, |v| format!("{v:.1}%"));
    let mut pictures = Vec::new();
    for (heading, value) in SHOWN {
        let x = Axis::linear([0.0, widest], "test error e");
        let y = Axis::log(heights, "").max_ticks(7);
        let mut plot = Plot::new(Frame::new(440.0, 300.0), heading, &x, &y);
        for point in points.iter().filter(|point| value(point) > 0.0) {
            let glyph = shape(point.run.level(), levels);
            let at = (point.error, value(point));
            plot.mark(glyph, point.run.loss().colour(), 4.2, at, 0.0);
        }
        if pictures.is_empty() {
            plot.line("contour", curve(widest, heights));
        }
        pictures.push(plot.picture(
            format!("{heading} against test error, {panel}"),
            format!("{all}; mean test accuracy: {mean}."),
        ));
    }
    Group::titled(panel, 2, pictures)
}

/// The points of the curve of dilation from test error alone that are inside the vertical range.
fn curve(widest: f64, [low, high]: [f64; 2]) -> Vec<(f64, f64)> {
    let mut curve = Vec::new();
    for step in 1..=POINTS {
        let error = widest * step as f64 / POINTS as f64;
        let height = dilation_of(error, 0.0);
        if low <= height && height <= high {
            curve.push((error, height));
        }
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dilation_of_two_points_matches_nc1() {
        // The class means are at 0.2 and 0.8 of the distance: the variance within classes is 0.16,
        // between classes (0.6 / 2)² = 0.09. NC1 is their ratio divided by the number of classes.
        let (within, between) = (0.2 * 0.8, 0.3 * 0.3);
        assert!((dilation_of(0.2, 0.0) - within / between / 2.0).abs() < 1e-12);
        assert!((dilation_of(0.0, 0.1) - 0.1).abs() < 1e-12);
        assert!(dilation_of(0.2, 0.1) > dilation_of(0.2, 0.0));
    }
}
