//! Lines of losses over noise levels, and legends of losses.

use memdil_claims::SEEDS_NEEDED;

use crate::chart::{Key, Plot, Symbol};
use crate::loss::Loss;
use crate::runs::{Run, losses};

/// Minimum number of evaluations of a curve over epochs.
pub(super) const FEWEST_EVALUATIONS: usize = 4;

/// True for a completed run with enough evaluations for a curve over epochs.
pub(super) fn has_epoch_curve(run: &Run) -> bool {
    run.last().is_some() && run.record.spec.training.evaluations() >= FEWEST_EVALUATIONS
}

/// The legend of losses by colour, for figures whose shapes do not denote losses.
pub(super) fn loss_keys(runs: &[&Run]) -> Vec<Key> {
    let key = |loss: Loss| Key::new(Symbol::Colour(loss.colour()), loss.to_string());
    losses(runs).into_iter().map(key).collect()
}

/// The legend of losses by colour and shape.
pub(super) fn marked_keys(losses: impl IntoIterator<Item = Loss>) -> Vec<Key> {
    losses
        .into_iter()
        .map(|loss| marked_key(loss, loss.to_string()))
        .collect()
}

/// The legend entry of a loss with its colour and shape.
pub(super) fn marked_key(loss: Loss, label: String) -> Key {
    Key::new(Symbol::Marked(loss.colour(), loss.glyph()), label)
}

/// Horizontal offset of a loss in pixels, so that marks do not overlap.
pub(super) fn offset(index: usize, all: usize) -> f64 {
    5.0 * (index as f64 - (all - 1) as f64 / 2.0)
}

/// A horizontal coordinate, the mean of a quantity there, and its interval.
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

/// Draws the lines with their bars and marks; losses are offset horizontally.
pub(super) fn draw_lines(plot: &mut Plot, lines: &[Line], size: f64) {
    for (index, (loss, means)) in lines.iter().enumerate() {
        let offset = offset(index, lines.len());
        let line = means.iter().map(|(level, mean, _)| (*level, *mean));
        plot.shifted_series(loss.colour(), offset, line);
        for mean in means {
            draw_mean(plot, *loss, *mean, size, offset);
        }
    }
}

/// Draws the mark of a mean with its bar.
pub(super) fn draw_mean(plot: &mut Plot, loss: Loss, mean: Mean, size: f64, offset: f64) {
    let (across, mean, interval) = mean;
    if let Some(interval) = interval {
        plot.bar(loss.colour(), across, interval, offset);
    }
    plot.mark(loss.glyph(), loss.colour(), size, (across, mean), offset);
}

/// The explanation of bars that several figures share.
pub(super) fn bars() -> String {
    format!("Bars are 95% intervals over at least {SEEDS_NEEDED} seeds (Student’s t).")
}
