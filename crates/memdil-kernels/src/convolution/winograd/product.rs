//! Products of transformed tiles with transformed weights: the forward pass and the gradient of the
//! images.

use super::block::{BlockLayout, SharedPointer};
use super::grid::TileGrid;
use super::tiles::{transform_products, transform_values};
use super::transform::POSITIONS;
use super::weights::TransformedWeights;
use crate::tile::{DEPTH, PanelProduct};
use crate::vector::{Element, Vector, VectorKernel, width};

/// The results of a block of tiles.
pub struct TileProduct<'a, T> {
    pub(in crate::convolution) grid: &'a TileGrid,
    pub(in crate::convolution) source: &'a [T],
    pub(in crate::convolution) weights: &'a TransformedWeights<T>,
    /// The results of the whole batch.
    pub(in crate::convolution) target: SharedPointer<T>,
    pub(in crate::convolution) add: bool,
    /// The first tile, and the one after the last.
    pub(in crate::convolution) tiles: (usize, usize),
    /// Layouts and memory of the transformed values and of their products.
    pub(in crate::convolution) layouts: [BlockLayout; 2],
    pub(in crate::convolution) buffers: &'a mut [Vec<T>; 2],
}

impl<T: Element> VectorKernel<T> for TileProduct<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let width = width::<V>();
        let (from, to) = (self.grid.from, self.grid.to);
        let [values, products] = self.layouts;
        let [v, m] = self.buffers.each_mut().map(|buffer| buffer.as_mut_ptr());
        let rows = self.tiles.1 - self.tiles.0;
        // SAFETY: `dispatch` requires supported instructions; a block has a row for each tile, and
        // the tiles of different blocks have different results.
        unsafe {
            for row in 0..rows {
                let part = self.grid.values(self.tiles.0 + row);
                let to = v.add(row * width);
                transform_values::<V>(self.source.as_ptr(), &part, from.channels, to, values);
            }
            for position in 0..POSITIONS {
                let v = v.add(position * values.position_stride);
                for panel in 0..products.panels {
                    let b = self.weights.panel(position, panel).as_ptr();
                    let c =
                        m.add(position * products.position_stride + panel * products.panel_stride);
                    for first in (0..from.channels).step_by(DEPTH) {
                        let product = PanelProduct {
                            a: v.add(first / width * values.panel_stride),
                            a_stride: values.panel_stride,
                            b: b.add(first * width),
                            c,
                            rows,
                            depth: DEPTH.min(from.channels - first),
                            cols: width.min(to.channels - panel * width),
                            add: first > 0,
                        };
                        product.run::<V>();
                    }
                }
            }
            for row in 0..rows {
                let part = self.grid.results(self.tiles.0 + row);
                let from = m.add(row * width);
                transform_products::<V>(
                    from,
                    products,
                    (self.target.0, self.add),
                    &part,
                    to.channels,
                );
            }
        }
    }
}
