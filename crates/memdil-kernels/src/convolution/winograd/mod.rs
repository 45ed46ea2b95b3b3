//! Winograd's convolution F(4 x 4, 3 x 3): 36 products for 16 results, where the direct sum needs
//! 144.

mod block;
mod grid;
mod product;
mod sums;
mod tiles;
mod transform;
mod weights;

pub(super) use block::{BlockLayout, SharedPointer};
pub(super) use grid::TileGrid;
pub(super) use product::TileProduct;
pub(super) use sums::{KernelGradients, TilePair, TileSums};
pub(super) use transform::POSITIONS;
pub(super) use weights::{ROWS, TransformedWeights, WeightTransform};
