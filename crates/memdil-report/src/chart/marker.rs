//! The shapes of marks.

/// All shapes, in the order in which they are assigned to noise levels and losses.
pub(crate) const SHAPES: [Glyph; 9] = [
    Glyph::Circle,
    Glyph::Square,
    Glyph::Triangle,
    Glyph::Diamond,
    Glyph::TriangleDown,
    Glyph::Plus,
    Glyph::Pentagon,
    Glyph::Cross,
    Glyph::Star,
];

/// The shape of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glyph {
    Circle,
    Square,
    Triangle,
    Diamond,
    TriangleDown,
    Plus,
    Pentagon,
    Cross,
    Star,
}

impl Glyph {
    /// The corners in units of the mark's radius; empty for the circle.
    fn corners(self) -> Vec<(f64, f64)> {
        const A: f64 = 0.36;
        // The top arm of a plus; rotating each corner by a quarter turn gives the next arm.
        let mut plus = vec![(-A, -1.05), (A, -1.05), (A, -A)];
        for corner in 0..9 {
            let (x, y): (f64, f64) = plus[corner];
            plus.push((-y, x));
        }
        match self {
            Self::Circle => Vec::new(),
            Self::Square => vec![(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
            Self::Triangle => vec![(0.0, -1.1), (1.08, 0.82), (-1.08, 0.82)],
            Self::TriangleDown => vec![(0.0, 1.1), (1.08, -0.82), (-1.08, -0.82)],
            Self::Diamond => vec![(0.0, -1.25), (1.05, 0.0), (0.0, 1.25), (-1.05, 0.0)],
            Self::Plus => plus,
            Self::Cross => {
                let turn = std::f64::consts::FRAC_1_SQRT_2;
                plus.iter()
                    .map(|(x, y)| ((x - y) * turn, (x + y) * turn))
                    .collect()
            }
            Self::Pentagon => polar(5, &[1.1]),
            Self::Star => polar(10, &[1.3, 0.55]),
        }
    }
}

/// Equally spaced corners that cycle through the given radii, starting at the top.
fn polar(corners: usize, radii: &[f64]) -> Vec<(f64, f64)> {
    (0..corners)
        .map(|k| {
            let angle = std::f64::consts::TAU * k as f64 / corners as f64;
            let radius = radii[k % radii.len()];
            (radius * angle.sin(), -radius * angle.cos())
        })
        .collect()
}

/// A filled mark of radius `r` with the given CSS classes.
pub(crate) fn mark(glyph: Glyph, x: f64, y: f64, r: f64, classes: &str) -> String {
    let corners = glyph.corners();
    if corners.is_empty() {
        return format!(r#"<circle class="{classes}" cx="{x:.1}" cy="{y:.1}" r="{r:.1}"/>"#);
    }
    let points: Vec<String> = corners
        .iter()
        .map(|(a, b)| format!("{:.1} {:.1}", x + r * a, y + r * b))
        .collect();
    format!(r#"<path class="{classes}" d="M{}Z"/>"#, points.join("L"))
}
