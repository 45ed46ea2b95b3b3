//! Inner loops over the rows of the features.
//!
//! Each is compiled twice, for any CPU and for AVX2 with fused multiply-add, and [`dispatch`]
//! chooses at run time.

mod dispatch;
mod few;
mod project;
mod rows;
mod softmax;
mod squares;
mod sums;

pub(crate) use dispatch::{Kernel, dispatch};
pub(crate) use few::products;
pub(crate) use project::{BLOCK, Centre, Lines, Projector, Scratch, TILE, add_tile};
pub(crate) use rows::{Rows, slabs};
pub(crate) use softmax::exponentials;
pub(crate) use squares::add_squares;
pub(crate) use sums::{Sums, add_rows, squared_distance};
