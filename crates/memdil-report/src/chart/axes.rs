//! The frame of a panel: grid, ticks, labels.

use super::scale::Scale;
use crate::text::{escape, when};

/// A picture of `width` by `height` with the margins of its drawing area.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) width: f64,
    pub(crate) height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// The label of a tick, as SVG.
pub(crate) fn tick(x: f64, y: f64, anchor: &str, label: &str) -> String {
    let label = escape(label);
    format!(r#"<text class="tick" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{label}</text>"#)
}

/// Upper estimate of the width of a heading's character.
const HEAD_CHARACTER: f64 = 7.2;

impl Frame {
    /// Margins for a heading, tick labels and axis labels.
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            left: 52.0,
            right: 12.0,
            top: 26.0,
            bottom: 42.0,
        }
    }

    /// Widens the left margin, for long tick labels next to an axis label.
    pub(crate) fn wider(self) -> Self {
        Self {
            left: self.left + 12.0,
            ..self
        }
    }

    /// Smaller margins, for panels without axis labels.
    pub(crate) fn compact(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            left: 32.0,
            right: 8.0,
            top: 24.0,
            bottom: 22.0,
        }
    }

    pub(crate) fn x_range(&self) -> [f64; 2] {
        [self.left, self.width - self.right]
    }

    /// From bottom to top.
    pub(crate) fn y_range(&self) -> [f64; 2] {
        [self.height - self.bottom, self.top]
    }

    /// Heading, grid, axes, ticks and axis labels, as SVG.
    pub(crate) fn axes(
        &self,
        heading: &str,
        (x, x_ticks, x_label): (&Scale, &[(f64, String)], &str),
        (y, y_ticks, y_label): (&Scale, &[(f64, String)], &str),
    ) -> String {
        let [left, right] = self.x_range();
        let [bottom, top] = self.y_range();
        // A long heading is squeezed into the frame instead of being cut off.
        let wide = heading.chars().count() as f64 * HEAD_CHARACTER > right - left;
        let length = format!(
            r#" textLength="{}" lengthAdjust="spacingAndGlyphs""#,
            right - left
        );
        let squeezed = when(wide, length);
        let mut svg = format!(
            r#"<text class="head" x="{left}" y="14"{squeezed}>{}</text>"#,
            escape(heading)
        );
        let mut grid = String::new();
        for (value, label) in x_ticks {
            let at = x.at(*value);
            grid += &format!("M{at:.1} {top}V{bottom}");
            svg += &tick(at, bottom + 15.0, "middle", label);
        }
        for (value, label) in y_ticks {
            let at = y.at(*value);
            grid += &format!("M{left} {at:.1}H{right}");
            svg += &tick(left - 6.0, at + 4.0, "end", label);
        }
        svg += &format!(r#"<path class="grid" d="{grid}M{left} {bottom}"/>"#);
        svg += &format!(r#"<path class="axis" d="M{left} {top}V{bottom}H{right}"/>"#);
        if !x_label.is_empty() {
            svg += &format!(
                r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                (left + right) / 2.0,
                self.height - 8.0,
                escape(x_label)
            );
        }
        if !y_label.is_empty() {
            let middle = (top + bottom) / 2.0;
            svg += &format!(
                r#"<text x="13" y="{middle:.1}" text-anchor="middle" transform="rotate(-90 13 {middle:.1})">{}</text>"#,
                escape(y_label)
            );
        }
        svg
    }
}
