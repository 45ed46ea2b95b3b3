//! Inner loops over the rows of the features.
//!
//! On x86-64 each loop is compiled twice, for any CPU and for AVX2 with fused multiply-add;
//! [`dispatch`] selects the version at run time.

mod along;
mod centre;
mod dispatch;
mod few;
mod few_products;
mod lines;
mod number;
mod project;
mod real;
mod rows;
mod softmax;
mod squares;
mod sums;
mod tile;

pub(crate) use along::along;
pub(crate) use centre::{Centre, Centred};
pub(crate) use dispatch::{Kernel, dispatch};
pub(crate) use lines::Lines;
pub(crate) use project::{BLOCK, Projector, Scratch};
pub use real::Real;
pub(crate) use rows::{Rows, slabs};
pub(crate) use softmax::exponentials;
pub(crate) use squares::add_squares;
pub(crate) use sums::{AddRows, Sums, squared_distance};
