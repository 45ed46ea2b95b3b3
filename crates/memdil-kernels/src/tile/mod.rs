//! Matrices in panels, and their products in register tiles.

mod accumulate;
mod height;
mod panels;
mod product;
mod transposed;

pub(crate) use height::{next_tile, with_height};
pub(crate) use panels::{Panels, stride, transpose};
pub(crate) use product::{DEPTH, PanelProduct};
pub(crate) use transposed::{TileSink, transposed_product};
