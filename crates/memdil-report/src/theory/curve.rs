//! A solved curve with its limit.

use crate::chart::{Glyph, Key, Scale, mark};

/// Rho of one loss along an axis.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) label: String,
    /// Colour class of the loss.
    pub(super) class: &'static str,
    pub(super) glyph: Glyph,
    pub(super) points: Vec<(f64, f64)>,
    /// What the curve tends to, drawn dotted.
    pub(super) limit: Vec<(f64, f64)>,
}

impl Curve {
    /// The line, marks on every so many points, and the limit.
    pub(super) fn draw(&self, x: &Scale, y: &Scale, every: usize) -> String {
        let class = self.class;
        let mut svg = String::new();
        if !self.limit.is_empty() {
            let limit = path(&self.limit, x, y);
            svg += &format!(r#"<path class="line s {class}" stroke-dasharray="2 5" d="{limit}"/>"#);
        }
        svg += &format!(
            r#"<path class="line s {class}" d="{}"/>"#,
            path(&self.points, x, y)
        );
        for (a, b) in self.points.iter().step_by(every) {
            svg += &mark(
                self.glyph,
                x.at(*a),
                y.at(*b),
                3.6,
                &format!("mark f {class}"),
            );
        }
        svg
    }

    pub(super) fn key(&self) -> Key {
        Key::Colour(self.class, Some(self.glyph), self.label.clone())
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

/// Path data through points.
pub(super) fn path(points: &[(f64, f64)], x: &Scale, y: &Scale) -> String {
    let corner = |(i, (a, b)): (usize, &(f64, f64))| {
        format!(
            "{}{:.1} {:.1}",
            if i == 0 { "M" } else { "L" },
            x.at(*a),
            y.at(*b)
        )
    };
    points.iter().enumerate().map(corner).collect()
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
