//! Dilation as test error and the spread of the rest.

use super::levels::{level_keys, shape};
use super::lines::loss_keys;
use crate::chart::{Axis, Figure, Frame, Group, Key, Plot, Sign, span};
use crate::runs::{
    Level, Panel, Quantity, Run, by_loss, by_panel, largest, levels, or_undefined, r_squared,
    select,
};
use crate::text::{count, when};

/// Points of the curve.
const POINTS: usize = 60;

/// Dilation of two classes whose features are two points, where a share `error` of each class lies
/// on the point of the other, and NC1 around the points is `rest`.
///
/// With the points at distance 1, class means are $1-2e$ apart, so that the variance between
/// classes is $(1-2e)^2/4$; within a class it is $e(1-e)$. NC1 is their ratio over the number of
/// classes: $(2e(1-e) + NC_1^0) / (1-2e)^2$.
fn dilation_of(error: f64, rest: f64) -> f64 {
    (2.0 * error * (1.0 - error) + rest) / (1.0 - 2.0 * error).powi(2)
}

/// A run with what it measured.
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

/// The height of a mark.
type Height = fn(&RunPoint<'_>) -> f64;

/// The heights of the left and of the right picture.
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
    // Completed runs of two classes.
    let excluded = select(&two, |run| run.test().is_some()).len() - drawn.len();
    let excluded_text = format!(
        " {} not drawn: a test error of one half or more, or no dilation of correct samples.",
        count(excluded, "run is", "runs are")
    );
    let levels = levels(&drawn);
    let mut legend = loss_keys(&drawn);
    legend.extend(level_keys(&levels));
    legend.push(Key::new(Sign::Line, "from test error alone, no parameter"));
    let panels = by_panel(&drawn).into_iter();
    Some(Figure {
        caption: caption(&drawn),
        reading: format!(
            "Left: one mark per run, dilation against test error; the line is 2e(1 − e)/(1 − 2e)², the dilation of two classes \
             that collapsed to two points, a share e of each on the point of the other. Marks above the line spread for \
             another reason too. Marks below it have unequal errors in the two classes, or samples on the wrong side that lie \
             short of the other class. Right: NC1 of the test samples that are classified correctly, around their own class \
             means, over the same errors and on the same scale. R² has the mean over runs in its denominator.{}",
            when(excluded > 0, excluded_text)
        ),
        legend,
        groups: panels
            .map(|(panel, runs)| group(panel, &runs, &levels))
            .collect(),
        ..Figure::new("decomposition", "How much of dilation is test error")
    })
}

fn caption(all: &[&Run]) -> String {
    let (runs, note) = largest(all);
    let all: Vec<RunPoint<'_>> = runs.iter().filter_map(|run| RunPoint::of(run)).collect();
    let mut noisy = all.clone();
    noisy.retain(|point| point.run.eta() > 0.0);
    format!(
        "Predicted from test error alone, without a parameter, dilation has R² = {} over {} ({} over the {} with noise); \
         with the spread of each run’s correct samples added, {} ({}).{note}",
        fit(&all, |_| 0.0),
        count(all.len(), "run", "runs"),
        fit(&noisy, |_| 0.0),
        noisy.len(),
        fit(&all, |point| point.rest),
        fit(&noisy, |point| point.rest),
    )
}

/// R² of dilation predicted from test error and the spread of the rest.
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
    let mean = by_loss(runs, Quantity::Accuracy, |v| format!("{v:.1}%"));
    let mut pictures = Vec::new();
    for (heading, value) in SHOWN {
        let x = Axis::linear([0.0, widest], "test error e");
        let y = Axis::log(heights, "").most(7);
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

/// Dilation from test error alone, within some heights.
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
    fn two_collapsed_classes_with_errors_have_this_nc1() {
        // Class means at 0.2 and 0.8 of the way: within variance 0.16, between (0.6 / 2)² = 0.09;
        // the pseudo-inverse makes NC1 their ratio over the number of classes, 2.
        let (within, between) = (0.2 * 0.8, 0.3 * 0.3);
        assert!((dilation_of(0.2, 0.0) - within / between / 2.0).abs() < 1e-12);
        assert!((dilation_of(0.0, 0.1) - 0.1).abs() < 1e-12);
        assert!(dilation_of(0.2, 0.1) > dilation_of(0.2, 0.0));
    }
}
