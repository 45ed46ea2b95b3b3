//! A solved curve with its limit.

use memdil_theory::{MdSetting, TheoryError};
use rayon::prelude::*;

use super::model::{C_MD, margin_loss, rho, setting};
use crate::chart::{Glyph, Key, Plot, Symbol};
use crate::loss::Loss;
use crate::text::number;

/// A loss, its parameter and the shape of its marks.
pub(super) type Shown = (Loss, f64, Glyph);

/// Rho of one loss along an axis.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) label: String,
    pub(super) loss: Loss,
    pub(super) glyph: Glyph,
    pub(super) points: Vec<(f64, f64)>,
    /// The limit of the curve, drawn dotted.
    pub(super) limit: Vec<(f64, f64)>,
}

impl Curve {
    /// Solves the model at each value on the axis, which `place` maps to noise level and decay.
    pub(super) fn solve(
        shown: Shown,
        classes: usize,
        values: &[f64],
        place: impl Fn(f64) -> [f64; 2] + Sync,
    ) -> Result<Self, TheoryError> {
        Self::solve_at(shown, classes, values, |value| {
            let [eta, lambda] = place(value);
            setting(eta, C_MD, lambda, classes)
        })
    }

    /// Solves the model at each value on the axis, which `place` maps to a setting.
    pub(super) fn solve_at(
        (loss, alpha, glyph): Shown,
        classes: usize,
        values: &[f64],
        place: impl Fn(f64) -> MdSetting + Sync,
    ) -> Result<Self, TheoryError> {
        let label = match loss {
            Loss::CrossEntropy => loss.to_string(),
            _ => format!("{loss} {alpha}"),
        };
        let mut points = Vec::new();
        if let Some(loss) = margin_loss(loss, alpha)? {
            let solve = |&value| {
                let rho = rho(&place(value), &loss, classes)?;
                Ok(rho.map(|rho| (value, rho)))
            };
            let solved: Vec<_> = values
                .par_iter()
                .map(solve)
                .collect::<Result<_, TheoryError>>()?;
            points.extend(solved.into_iter().flatten());
        }
        Ok(Self {
            label,
            loss,
            glyph,
            points,
            limit: Vec::new(),
        })
    }

    /// Draws the limit, the line, and a mark at every `every`-th point.
    pub(super) fn draw(&self, plot: &mut Plot, every: usize) {
        let colour = self.loss.colour();
        plot.dashed(
            &format!("line s {colour}"),
            "2 5",
            self.limit.iter().copied(),
        );
        plot.series(colour, self.points.iter().copied());
        for point in self.points.iter().step_by(every) {
            plot.mark(self.glyph, colour, 3.6, *point, 0.0);
        }
    }

    pub(super) fn key(&self) -> Key {
        Key::new(
            Symbol::Marked(self.loss.colour(), self.glyph),
            self.label.clone(),
        )
    }

    /// Rho at the first and the last point.
    pub(super) fn ends(&self) -> Option<[f64; 2]> {
        Some([self.points.first()?.1, self.points.last()?.1])
    }

    /// Rho at the point nearest to a value on the logarithmic axis.
    pub(super) fn near(&self, at: f64) -> Option<f64> {
        let distance = |p: &&(f64, f64)| (p.0 / at).ln().abs();
        let nearest = self
            .points
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.map(|p| p.1)
    }
}

/// The lowest and the highest rho of the curves and their limits.
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

/// A value of each curve, as `CE 0.301, LS(0.1) 0.0170`.
pub(super) fn list(curves: &[Curve], value: impl Fn(&Curve) -> Option<f64>) -> String {
    let mut parts = Vec::new();
    for curve in curves {
        if let Some(value) = value(curve).map(number) {
            parts.push(match curve.label.split_once(' ') {
                Some((loss, alpha)) => format!("{loss}({alpha}) {value}"),
                None => format!("{} {value}", curve.label),
            });
        }
    }
    parts.join(", ")
}

/// The limit of a curve at both ends of the axis. Two points suffice because limits are straight
/// lines on logarithmic axes.
pub(super) fn at_ends(
    lambdas: &[f64],
    limit: impl Fn(f64) -> Result<f64, TheoryError>,
) -> Result<Vec<(f64, f64)>, TheoryError> {
    let ends = lambdas.first().into_iter().chain(lambdas.last());
    ends.map(|&lambda| Ok((lambda, limit(lambda)?))).collect()
}
