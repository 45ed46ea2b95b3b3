//! A square map of values whose colours show their difference from a reference.

use super::axes::tick;
use super::figure::Picture;
use super::scale::span;
use crate::text::{decimal, escape, when};

/// Steps of colour on each side of the reference.
const STEPS: i32 = 5;
/// Colours of values below and above the reference.
const SIDES: [&str; 2] = ["ls", "ce"];
/// Side of a cell that has room for its value.
const ROOMY: f64 = 30.0;
/// Upper estimate of the width of a label's character.
const CHARACTER: f64 = 7.4;

/// Values of pairs of classes, with the class of each row and column.
pub(crate) struct HeatMap {
    /// One label per class, which starts with its number.
    pub(crate) labels: Vec<String>,
    /// Rows of values; a missing value has no colour.
    pub(crate) values: Vec<Vec<Option<f64>>>,
    /// The reference.
    pub(crate) middle: f64,
    /// Unit of the values.
    pub(crate) unit: &'static str,
    /// The smallest and the largest possible value, which limit the colour bar.
    pub(crate) range: [f64; 2],
}

/// The positions of the cells, in pixels.
struct Cells {
    left: f64,
    top: f64,
    side: f64,
}

impl HeatMap {
    /// The finished map, with a title and a description for screen readers.
    pub(crate) fn picture(&self, title: String, desc: String) -> Picture {
        let classes = self.labels.len() as f64;
        let longest = self.labels.iter().map(|label| label.chars().count()).max();
        let cells = Cells {
            left: 14.0 + CHARACTER * longest.unwrap_or_default() as f64,
            top: 10.0,
            side: (360.0 / classes).clamp(4.0, 56.0),
        };
        let extent = cells.side * classes;
        let (right, bottom) = (cells.left + extent, cells.top + extent);
        let step = self.step();
        let mut body = String::new();
        for (row, values) in self.values.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                if let Some(value) = value {
                    body += &self.cell(&cells, (row, column), *value, step);
                }
            }
        }
        body += &format!(
            r#"<path class="axis" d="M{} {}H{right}V{bottom}H{}Z"/>"#,
            cells.left, cells.top, cells.left
        );
        body += &self.labels(&cells, bottom);
        let bar = extent.max(160.0);
        body += &self.bar(right + 18.0, [cells.top + bar, cells.top], step);
        Picture {
            width: right + 90.0,
            height: cells.top + bar.max(extent) + 28.0,
            title,
            desc,
            body,
        }
    }

    /// The difference from the reference that a step of colour spans, in whole units.
    fn step(&self) -> f64 {
        let values = self.values.iter().flatten().flatten();
        let differences = values.map(|value| (value - self.middle).abs());
        let [_, largest] = span(differences).unwrap_or_default();
        (largest / f64::from(STEPS)).ceil().max(1.0)
    }

    fn cell(&self, cells: &Cells, (row, column): (usize, usize), value: f64, step: f64) -> String {
        let steps = (value - self.middle) / step;
        let (x, y) = (
            cells.left + cells.side * column as f64,
            cells.top + cells.side * row as f64,
        );
        let side = cells.side;
        let (class, opacity) = colour(steps.floor() as i32);
        let path = format!(
            r#"<path class="f {class}" fill-opacity="{opacity:.2}" shape-rendering="crispEdges" d="M{x:.1} {y:.1}h{side:.1}v{side:.1}h-{side:.1}Z"/>"#
        );
        let (x, y) = (x + side / 2.0, y + side / 2.0 + 4.0);
        let text = format!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle">{value:.0}</text>"#);
        path + &when(side >= ROOMY, text)
    }

    /// The labels of rows, and the numbers of columns; some are omitted if they would overlap.
    fn labels(&self, cells: &Cells, bottom: f64) -> String {
        let every = (15.0 / cells.side).ceil() as usize;
        let mut svg = String::new();
        for (class, label) in self.labels.iter().enumerate().step_by(every) {
            let middle = cells.side * (class as f64 + 0.5);
            svg += &tick(cells.left - 6.0, cells.top + middle + 4.0, "end", label);
            let number = label.split(' ').next().unwrap_or(label);
            svg += &tick(cells.left + middle, bottom + 15.0, "middle", number);
        }
        svg
    }

    /// The colour bar, with the values at the boundaries of the steps. It has no steps and values
    /// that are out of range.
    fn bar(&self, x: f64, [bottom, top]: [f64; 2], step: f64) -> String {
        let height = (bottom - top) / f64::from(2 * STEPS);
        let value = |steps: i32| self.middle + step * f64::from(steps);
        let [least, most] = self.range;
        let mut svg = String::new();
        for steps in -STEPS..STEPS {
            if value(steps + 1) <= least || value(steps) >= most {
                continue;
            }
            let (class, opacity) = colour(steps);
            let from = bottom - height * f64::from(steps + STEPS);
            let to = from - height;
            svg += &format!(
                r#"<path class="f {class}" fill-opacity="{opacity:.2}" d="M{x:.1} {from:.1}h12V{to:.1}h-12Z"/>"#
            );
        }
        for steps in -STEPS..=STEPS {
            let y = bottom - height * f64::from(steps + STEPS);
            if !(least..=most).contains(&value(steps)) {
                continue;
            }
            let value = decimal(value(steps), 1.0).replace('-', "−");
            let label = escape(&format!("{value}{}", self.unit));
            svg += &tick(x + 17.0, y + 4.0, "start", &label);
        }
        let y = bottom - height * f64::from(STEPS);
        svg + &format!(r#"<path class="contour" d="M{:.1} {y:.1}h16"/>"#, x - 2.0)
    }
}

/// Colour class and opacity of the values from `steps` to `steps + 1` steps above the reference.
fn colour(steps: i32) -> (&'static str, f64) {
    let distance = if steps < 0 { -steps - 1 } else { steps };
    let distance = distance.min(STEPS - 1);
    (
        SIDES[usize::from(steps >= 0)],
        0.1 + 0.11 * f64::from(distance),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_symmetric_about_the_reference() {
        assert_eq!((colour(0).0, colour(-1).0), ("ce", "ls"));
        for steps in 0..STEPS {
            let [above, below] = [steps, -steps - 1].map(|steps| colour(steps).1);
            assert!((above - below).abs() < 1e-12);
        }
        // A value at the end of the bar has the colour of the last step.
        assert_eq!(colour(STEPS), colour(STEPS - 1));
    }

    #[test]
    fn the_bar_contains_all_values() {
        let map = HeatMap {
            labels: ["0 a", "1 b", "2 c"].map(str::to_owned).into(),
            values: vec![vec![None, Some(93.0)], vec![Some(121.0), None]],
            middle: 120.0,
            unit: "°",
            range: [0.0, 147.0],
        };
        // The largest difference is 27, so each of the five steps spans 6.
        assert!((map.step() - 6.0).abs() < 1e-12);
        let svg = map.bar(0.0, [100.0, 0.0], map.step());
        assert!(svg.contains(">90°<") && svg.contains(">144°<"), "{svg}");
        assert!(!svg.contains(">150°<"), "{svg}");
        assert_eq!(svg.matches("fill-opacity").count(), 10);
    }
}
