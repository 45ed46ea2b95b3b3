//! A small chart module: SVG written directly, coloured by CSS classes so that it works on light
//! and dark pages.

mod axes;
mod figure;
mod marker;
mod palette;
mod plot;
mod print;
mod scale;

pub(crate) use axes::{Frame, tick};
pub(crate) use figure::{Figure, Group, Key, Picture, Sign, cross};
pub(crate) use marker::{Glyph, SHAPES, mark};
pub(crate) use palette::{CLASSES, class_colour, style};
pub(crate) use plot::{Axis, Plot};
pub(crate) use scale::{Scale, span};
