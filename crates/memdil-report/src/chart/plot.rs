//! A panel with two axes and the elements drawn on it.

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
    /// Creates the scale from the span, the pixel range and the number of ticks.
    scale: fn([f64; 2], [f64; 2], usize) -> Scale,
    span: [f64; 2],
    label: &'a str,
    max_ticks: usize,
    ticks: Option<Vec<(f64, String)>>,
}

impl<'a> Axis<'a> {
    /// Linear, widened to the next ticks.
    pub(crate) fn linear(span: [f64; 2], label: &'a str) -> Self {
        Self {
            scale: Scale::linear,
            span,
            label,
            max_ticks: 5,
            ticks: None,
        }
    }

    /// Linear, exactly over the given span.
    pub(crate) fn exact(span: [f64; 2], label: &'a str) -> Self {
        Self {
            scale: |span, range, _| Scale::exact(span, range),
            ..Self::linear(span, label)
        }
    }

    /// Logarithmic, slightly widened; both ends must be positive.
    pub(crate) fn log(span: [f64; 2], label: &'a str) -> Self {
        Self {
            scale: |span, range, _| Scale::log(span, range),
            ..Self::linear(span, label)
        }
    }

    /// Sets the approximate maximum number of ticks.
    pub(crate) fn max_ticks(self, max_ticks: usize) -> Self {
        Self { max_ticks, ..self }
    }

    /// Sets the ticks: values with their labels.
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
    /// A panel with a heading, grid and axes.
    pub(crate) fn new(frame: Frame, heading: &str, x: &Axis<'_>, y: &Axis<'_>) -> Self {
        let scale = |axis: &Axis<'_>, range| (axis.scale)(axis.span, range, axis.max_ticks);
        let scales = [scale(x, frame.x_range()), scale(y, frame.y_range())];
        let ticks = |axis: &Axis<'_>, scale: &Scale| {
            let own = || scale.ticks(axis.max_ticks);
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

    /// The path data of a line through points.
    pub(crate) fn path(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (a, b) in points {
            let step = if path.is_empty() { "M" } else { "L" };
            path += &format!("{step}{:.1} {:.1}", self.x.at(a), self.y.at(b));
        }
        path
    }

    /// Draws a line with these CSS classes.
    pub(crate) fn line(&mut self, classes: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        self.dashed(classes, "", points);
    }

    /// Draws a line in this colour.
    pub(crate) fn series(&mut self, colour: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        self.line(&format!("line s {colour}"), points);
    }

    /// Draws a line in this colour, shifted to the right by `offset` pixels.
    pub(crate) fn shifted_series(
        &mut self,
        colour: &str,
        offset: f64,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) {
        let path = self.path(points);
        if !path.is_empty() {
            self.body += &format!(
                r#"<path class="line s {colour}" transform="translate({offset:.1} 0)" d="{path}"/>"#
            );
        }
    }

    /// Draws a line with an SVG dash pattern; `2 5` is dotted.
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

    /// Draws a mark in a colour, shifted to the right by `offset` pixels.
    pub(crate) fn mark(
        &mut self,
        glyph: Glyph,
        colour: &str,
        size: f64,
        at: (f64, f64),
        offset: f64,
    ) {
        let (x, y) = (self.x.at(at.0) + offset, self.y.at(at.1));
        self.body += &mark(glyph, x, y, size, &format!("mark f {colour}"));
    }

    /// Draws a short horizontal dash.
    pub(crate) fn dash(&mut self, colour: &str, at: (f64, f64), offset: f64) {
        let (x, y) = (self.x.at(at.0) + offset - 8.0, self.y.at(at.1));
        self.body += &format!(r#"<path class="line s {colour}" d="M{x:.1} {y:.1}h16"/>"#);
    }

    /// Draws an interval as a vertical bar.
    pub(crate) fn bar(&mut self, colour: &str, at: f64, [low, high]: [f64; 2], offset: f64) {
        let x = self.x.at(at) + offset;
        let (from, to) = (self.y.at(low), self.y.at(high));
        self.body += &format!(r#"<path class="bar s {colour}" d="M{x:.1} {from:.1}V{to:.1}"/>"#);
    }

    /// Draws a horizontal line across the panel.
    pub(crate) fn level(&mut self, classes: &str, height: f64) {
        let [left, right] = self.frame.x_range();
        let y = self.y.at(height);
        self.body += &format!(r#"<path class="{classes}" d="M{left} {y:.1}H{right}"/>"#);
    }

    /// Writes a short text to the right of a point, `down` pixels below it.
    pub(crate) fn note(&mut self, text: &str, at: (f64, f64), down: f64) {
        let (x, y) = (self.x.at(at.0) + 7.0, self.y.at(at.1) + down);
        let text = escape(text);
        self.body += &format!(r#"<text class="note" x="{x:.1}" y="{y:.1}">{text}</text>"#);
    }

    /// Draws each point in the colour of its class: a cross if its label is corrupted, otherwise a
    /// dot. A point is its class, whether it is corrupted, and its coordinates.
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

    /// The finished panel, with a title and a description for screen readers.
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
