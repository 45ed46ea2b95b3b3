//! A small charting library that writes SVG. CSS classes set the colours, so that charts work in
//! light and dark themes.

mod axes;
mod figure;
mod heat_map;
mod marker;
mod palette;
mod plot;
mod print;
mod scale;

pub(crate) use axes::{Frame, tick};
pub(crate) use figure::{Figure, Group, Key, Picture, Symbol, cross};
pub(crate) use heat_map::HeatMap;
pub(crate) use marker::{Glyph, SHAPES, mark};
pub(crate) use palette::{CLASSES, class_colour, style};
pub(crate) use plot::{Axis, Plot};
pub(crate) use scale::{Scale, span};
