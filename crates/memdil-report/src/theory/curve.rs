//! A solved curve with its limit.

use crate::chart::{Glyph, Key, Plot};
use crate::loss::Loss;

/// Rho of one loss along an axis.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) label: String,
    pub(super) loss: Loss,
    pub(super) glyph: Glyph,
    pub(super) points: Vec<(f64, f64)>,
    /// What the curve tends to, drawn dotted.
    pub(super) limit: Vec<(f64, f64)>,
}

impl Curve {
    /// The line, marks on every so many points, and the limit.
    pub(super) fn draw(&self, plot: &mut Plot, every: usize) {
        let colour = self.loss.colour();
        let line = format!("line s {colour}");
        plot.dashed(&line, "2 5", self.limit.iter().copied());
        plot.line(&line, self.points.iter().copied());
        for point in self.points.iter().step_by(every) {
            plot.mark(self.glyph, colour, 3.6, *point, 0.0);
        }
    }

    pub(super) fn key(&self) -> Key {
        Key::Colour(self.loss.colour(), Some(self.glyph), self.label.clone())
    }

    /// Rho at the first and the last point.
    pub(super) fn ends(&self) -> Option<[f64; 2]> {
        Some([self.points.first()?.1, self.points.last()?.1])
    }

    /// Rho at the point nearest to a value on the axis, by ratio.
    pub(super) fn near(&self, at: f64) -> Option<f64> {
        let distance = |p: &&(f64, f64)| (p.0 / at).ln().abs();
        self.points
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .map(|p| p.1)
    }
}

/// The lowest and highest rho of some curves, limits included.
pub(super) fn span<'a>(curves: impl IntoIterator<Item = &'a Curve>) -> [f64; 2] {
    let values = curves
        .into_iter()
        .flat_map(|curve| curve.points.iter().chain(&curve.limit))
        .map(|point| point.1);
    let [low, high] = values.fold([f64::INFINITY, 0.0], |[low, high], v| {
        [f64::min(low, v), f64::max(high, v)]
    });
    if low < high { [low, high] } else { [0.1, 1.0] }
}
