//! A panel with two axes, and what is drawn on it.

use std::collections::BTreeMap;

use super::axes::Frame;
use super::figure::{Picture, cross};
use super::marker::{Glyph, mark};
use super::palette::class_colour;
use super::scale::Scale;
use crate::text::{escape, when};

/// One axis: its scale, ticks and label.
#[derive(Clone, Debug)]
pub(crate) struct Axis<'a> {
    /// From the span, a range of pixels and the number of ticks.
    scale: fn([f64; 2], [f64; 2], usize) -> Scale,
    span: [f64; 2],
    label: &'a str,
    most: usize,
    ticks: Option<Vec<(f64, String)>>,
}

impl<'a> Axis<'a> {
    /// Linear, widened to the next ticks.
    pub(crate) fn linear(span: [f64; 2], label: &'a str) -> Self {
        Self {
            scale: Scale::linear,
            span,
            label,
            most: 5,
            ticks: None,
        }
    }

    /// Linear between these ends.
    pub(crate) fn exact(span: [f64; 2], label: &'a str) -> Self {
        Self {
            scale: |span, range, _| Scale::exact(span, range),
            ..Self::linear(span, label)
        }
    }

    /// Logarithmic with a little room; both ends must be positive.
    pub(crate) fn log(span: [f64; 2], label: &'a str) -> Self {
        Self {
            scale: |span, range, _| Scale::log(span, range),
            ..Self::linear(span, label)
        }
    }

    /// About this many ticks.
    pub(crate) fn most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// These ticks.
    pub(crate) fn ticks(self, ticks: Vec<(f64, String)>) -> Self {
        Self {
            ticks: Some(ticks),
            ..self
        }
    }
}

/// A panel that is being drawn.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub(crate) frame: Frame,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    body: String,
}

impl Plot {
    /// A panel with its heading, grid and axes.
    pub(crate) fn new(frame: Frame, heading: &str, x: &Axis<'_>, y: &Axis<'_>) -> Self {
        let scale = |axis: &Axis<'_>, range| (axis.scale)(axis.span, range, axis.most);
        let scales = [scale(x, frame.x_range()), scale(y, frame.y_range())];
        let ticks = |axis: &Axis<'_>, scale: &Scale| {
            let own = || scale.ticks(axis.most);
            axis.ticks.clone().unwrap_or_else(own)
        };
        let body = frame.axes(
            heading,
            (&scales[0], &ticks(x, &scales[0]), x.label),
            (&scales[1], &ticks(y, &scales[1]), y.label),
        );
        let [x, y] = scales;
        Self { frame, x, y, body }
    }

    /// Path data through points.
    pub(crate) fn path(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (a, b) in points {
            let step = if path.is_empty() { "M" } else { "L" };
            path += &format!("{step}{:.1} {:.1}", self.x.at(a), self.y.at(b));
        }
        path
    }

    /// A line of these CSS classes.
    pub(crate) fn line(&mut self, classes: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        self.dashed(classes, "", points);
    }

    /// A line of this colour.
    pub(crate) fn series(&mut self, colour: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        self.line(&format!("line s {colour}"), points);
    }

    /// A line of this colour, `aside` pixels to the right of its points.
    pub(crate) fn course(
        &mut self,
        colour: &str,
        aside: f64,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) {
        let path = self.path(points);
        if !path.is_empty() {
            self.body += &format!(
                r#"<path class="line s {colour}" transform="translate({aside:.1} 0)" d="{path}"/>"#
            );
        }
    }

    /// A line with gaps: `2 5` are dots.
    pub(crate) fn dashed(
        &mut self,
        classes: &str,
        dashes: &str,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) {
        let path = self.path(points);
        if path.is_empty() {
            return;
        }
        let gaps = format!(r#" stroke-dasharray="{dashes}""#);
        let gaps = when(!dashes.is_empty(), gaps);
        self.body += &format!(r#"<path class="{classes}"{gaps} d="{path}"/>"#);
    }

    /// A mark of a colour, `aside` pixels to the right of its place.
    pub(crate) fn mark(
        &mut self,
        glyph: Glyph,
        colour: &str,
        size: f64,
        at: (f64, f64),
        aside: f64,
    ) {
        let (x, y) = (self.x.at(at.0) + aside, self.y.at(at.1));
        self.body += &mark(glyph, x, y, size, &format!("mark f {colour}"));
    }

    /// A short horizontal dash.
    pub(crate) fn dash(&mut self, colour: &str, at: (f64, f64), aside: f64) {
        let (x, y) = (self.x.at(at.0) + aside - 8.0, self.y.at(at.1));
        self.body += &format!(r#"<path class="line s {colour}" d="M{x:.1} {y:.1}h16"/>"#);
    }

    /// An interval as a vertical bar.
    pub(crate) fn bar(&mut self, colour: &str, at: f64, [low, high]: [f64; 2], aside: f64) {
        let x = self.x.at(at) + aside;
        let (from, to) = (self.y.at(low), self.y.at(high));
        self.body += &format!(r#"<path class="bar s {colour}" d="M{x:.1} {from:.1}V{to:.1}"/>"#);
    }

    /// A line across the panel at a height.
    pub(crate) fn level(&mut self, classes: &str, height: f64) {
        let [left, right] = self.frame.x_range();
        let y = self.y.at(height);
        self.body += &format!(r#"<path class="{classes}" d="M{left} {y:.1}H{right}"/>"#);
    }

    /// A short text to the right of a point, `down` pixels below it.
    pub(crate) fn note(&mut self, text: &str, at: (f64, f64), down: f64) {
        let (x, y) = (self.x.at(at.0) + 7.0, self.y.at(at.1) + down);
        let text = escape(text);
        self.body += &format!(r#"<text class="note" x="{x:.1}" y="{y:.1}">{text}</text>"#);
    }

    /// A dot for each point, a cross where its label is corrupted, in the colour of its class.
    pub(crate) fn scatter(&mut self, points: impl IntoIterator<Item = (usize, bool, (f64, f64))>) {
        let mut paths: BTreeMap<(bool, usize), String> = BTreeMap::new();
        for (class, corrupted, (a, b)) in points {
            let (x, y) = (self.x.at(a), self.y.at(b));
            *paths.entry((corrupted, class)).or_default() += &if corrupted {
                cross(x, y)
            } else {
                format!("M{x:.1} {y:.1}h0")
            };
        }
        for ((corrupted, class), path) in paths {
            let kind = if corrupted { "crosses" } else { "dots" };
            let colour = class_colour(class);
            self.push(&format!(r#"<path class="{kind} s {colour}" d="{path}"/>"#));
        }
    }

    /// Adds other SVG elements.
    pub(crate) fn push(&mut self, svg: &str) {
        self.body += svg;
    }

    /// The finished panel, with what it is for readers who do not see it.
    pub(crate) fn picture(self, title: String, desc: String) -> Picture {
        Picture {
            width: self.frame.width,
            height: self.frame.height,
            title,
            desc,
            body: self.body,
        }
    }
}
