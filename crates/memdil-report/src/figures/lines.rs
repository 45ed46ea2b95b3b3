//! Lines of losses over noise levels, courses of runs, and their legends.

use memdil_claims::SEEDS_NEEDED;

use crate::chart::{Key, Plot, Sign};
use crate::loss::Loss;
use crate::runs::{Run, losses};

/// Evaluations that make a course.
pub(super) const FEWEST_EVALUATIONS: usize = 4;

/// True for a completed run that was evaluated often enough to have a course.
pub(super) fn has_course(run: &Run) -> bool {
    run.last().is_some() && run.record.spec.training.evaluations() >= FEWEST_EVALUATIONS
}

/// The legend of colours, where shapes mean something else.
pub(super) fn loss_keys(runs: &[&Run]) -> Vec<Key> {
    let key = |loss: Loss| Key::new(Sign::Colour(loss.colour()), loss.to_string());
    losses(runs).into_iter().map(key).collect()
}

/// The legend of losses with a shape of their own.
pub(super) fn marked_keys(losses: impl IntoIterator<Item = Loss>) -> Vec<Key> {
    losses
        .into_iter()
        .map(|loss| marked_key(loss, loss.to_string()))
        .collect()
}

/// The key of a loss with a shape of its own.
pub(super) fn marked_key(loss: Loss, label: String) -> Key {
    Key::new(Sign::Marked(loss.colour(), loss.glyph()), label)
}

/// Horizontal offset of a loss in pixels, so that marks do not overlap.
pub(super) fn aside(index: usize, all: usize) -> f64 {
    5.0 * (index as f64 - (all - 1) as f64 / 2.0)
}

/// The mean of a quantity at a place across, and its interval.
pub(super) type Mean = (f64, f64, Option<[f64; 2]>);

/// A loss with the mean of a quantity at each noise level.
pub(super) type Line = (Loss, Vec<Mean>);

/// The means and the ends of the intervals.
pub(super) fn heights(lines: &[Line]) -> Vec<f64> {
    let mut heights = Vec::new();
    for (_, mean, interval) in lines.iter().flat_map(|(_, means)| means) {
        heights.push(*mean);
        heights.extend(interval.iter().flatten());
    }
    heights
}

/// Draws the lines with their bars and marks, losses beside each other.
pub(super) fn draw_lines(plot: &mut Plot, lines: &[Line], size: f64) {
    for (index, (loss, means)) in lines.iter().enumerate() {
        let aside = aside(index, lines.len());
        let line = means.iter().map(|(level, mean, _)| (*level, *mean));
        plot.course(loss.colour(), aside, line);
        for mean in means {
            draw_mean(plot, *loss, *mean, size, aside);
        }
    }
}

/// Draws the mark of a loss with its bar.
pub(super) fn draw_mean(plot: &mut Plot, loss: Loss, mean: Mean, size: f64, aside: f64) {
    let (across, mean, interval) = mean;
    if let Some(interval) = interval {
        plot.bar(loss.colour(), across, interval, aside);
    }
    plot.mark(loss.glyph(), loss.colour(), size, (across, mean), aside);
}

/// The sentence on bars that several readings share.
pub(super) fn bars() -> String {
    format!("Bars are 95% intervals over seeds (Student’s t), drawn from {SEEDS_NEEDED} seeds on.")
}
