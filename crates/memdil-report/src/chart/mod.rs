//! A small chart module: SVG written directly, coloured by CSS classes so that light and dark both
//! work.

mod axes;
mod figure;
mod marker;
mod print;
mod scale;

pub(crate) use axes::Frame;
pub(crate) use figure::{Figure, Group, Key, Picture, cross};
pub(crate) use marker::{CLASSES, Glyph, SHAPES, class_colour, loss_class, mark};
pub(crate) use scale::Scale;

/// Colours and text of every chart, for the page and for files of their own.
pub(crate) const STYLE: &str = include_str!("chart.css");
