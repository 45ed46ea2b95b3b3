//! The gradient of the weights: for each position, the product of the transposed values with the
//! gradients, summed over all tiles and transformed back.

#![allow(
    clippy::needless_range_loop,
    reason = "constant ranges, which the compiler unrolls"
)]

use super::block::{BlockLayout, SharedPointer};
use super::grid::TileGrid;
use super::tiles::{transform_gradients, transform_values};
use super::transform::{VALUES, two_dimensional, weight_gradients};
use crate::convolution::sizes::Convolution;
use crate::tile::{TileSink, transposed_product};
use crate::vector::{Element, Vector, VectorKernel, width};

/// The transforms of some tiles of the images and of the gradient of the results.
pub struct TilePair<'a, T> {
    pub(in crate::convolution) grid: &'a TileGrid,
    pub(in crate::convolution) x: &'a [T],
    pub(in crate::convolution) g: &'a [T],
    /// The first tile of the block.
    pub(in crate::convolution) first: usize,
    /// The tiles of this task within the block.
    pub(in crate::convolution) rows: (usize, usize),
    pub(in crate::convolution) layouts: [BlockLayout; 2],
    pub(in crate::convolution) buffers: [SharedPointer<T>; 2],
}

impl<T: Element> VectorKernel<T> for TilePair<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let (grid, [values, gradients]) = (self.grid, self.layouts);
        let [v, g] = self.buffers;
        for row in self.rows.0..self.rows.1 {
            let tile = self.first + row;
            // SAFETY: `dispatch` requires supported instructions; each tile has its own row.
            unsafe {
                let to = v.0.add(row * width::<V>());
                transform_values::<V>(
                    self.x.as_ptr(),
                    &grid.values(tile),
                    grid.from.channels,
                    to,
                    values,
                );
                let to = g.0.add(row * width::<V>());
                transform_gradients::<V>(
                    self.g.as_ptr(),
                    &grid.results(tile),
                    grid.to.channels,
                    to,
                    gradients,
                );
            }
        }
    }
}

/// The products of a block of tiles for one position and one panel of outputs, added to the sum.
pub struct TileSums<T> {
    pub(in crate::convolution) tiles: usize,
    pub(in crate::convolution) position: usize,
    pub(in crate::convolution) panel: usize,
    pub(in crate::convolution) inputs: usize,
    pub(in crate::convolution) layouts: [BlockLayout; 2],
    pub(in crate::convolution) buffers: [SharedPointer<T>; 2],
    pub(in crate::convolution) sums: BlockLayout,
    pub(in crate::convolution) sum: SharedPointer<T>,
    /// Whether there is a sum to add to.
    pub(in crate::convolution) add: bool,
}

impl<T: Element> VectorKernel<T> for TileSums<T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let [values, gradients] = self.layouts;
        let [v, g] = self.buffers;
        let at = |layout: BlockLayout, panel| {
            self.position * layout.position_stride + panel * layout.panel_stride
        };
        // SAFETY: `dispatch` requires supported instructions; each task adds to its own panel.
        unsafe {
            let sink = AddTo {
                to: self.sum.0.add(at(self.sums, self.panel)),
                add: self.add,
            };
            let (a, b) = (v.0.add(at(values, 0)), g.0.add(at(gradients, self.panel)));
            transposed_product::<V, _>(a, values.panel_stride, b, self.inputs, self.tiles, sink);
        }
    }
}

/// Writes the rows of a product to a panel, or adds them.
#[derive(Clone, Copy)]
struct AddTo<T> {
    to: *mut T,
    add: bool,
}

impl<V: Vector> TileSink<V> for AddTo<V::Scalar> {
    #[inline(always)]
    unsafe fn prepare(self, _: usize) {}

    #[inline(always)]
    unsafe fn take(self, row: usize, sums: [V; 2]) {
        for (v, sum) in sums.into_iter().enumerate() {
            // SAFETY: upheld by the caller of `transposed_product`.
            unsafe {
                let at = self.to.add(row * width::<V>() + v * V::LANES);
                if self.add {
                    V::load(at).add(sum).store(at);
                } else {
                    sum.store(at);
                }
            }
        }
    }
}

/// The gradients of the kernels of one input, Gᵀ u G.
pub struct KernelGradients<'a, T> {
    pub(in crate::convolution) sizes: &'a Convolution,
    pub(in crate::convolution) input: usize,
    pub(in crate::convolution) layout: BlockLayout,
    pub(in crate::convolution) sums: &'a [Vec<T>],
    pub(in crate::convolution) to: SharedPointer<T>,
}

impl<T: Element> VectorKernel<T> for KernelGradients<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let Convolution {
            inputs, outputs, ..
        } = *self.sizes;
        for output in (0..outputs).step_by(V::LANES) {
            let count = outputs - output;
            let at = output / width::<V>() * self.layout.panel_stride
                + self.input * width::<V>()
                + output % width::<V>();
            // SAFETY: `dispatch` requires supported instructions; each input has its own kernels.
            unsafe {
                let to = self.to.0.add(self.input * outputs + output);
                two_dimensional!(weight_gradients, VALUES, 3,
                (r, c) => self.sum::<V>((r * VALUES + c) * self.layout.position_stride + at),
                (i, j, value) => {
                    value.store_first(to.add((i * 3 + j) * inputs * outputs), count);
                });
            }
        }
    }
}

impl<T: Element> KernelGradients<'_, T> {
    /// The sum of all slices.
    ///
    /// # Safety
    ///
    /// The offset must be within a slice, and the processor must support the vector's instructions.
    #[inline(always)]
    unsafe fn sum<V: Vector<Scalar = T>>(&self, at: usize) -> V {
        unsafe {
            let mut sum = V::load(self.sums[0].as_ptr().add(at));
            for slice in &self.sums[1..] {
                sum = sum.add(V::load(slice.as_ptr().add(at)));
            }
            sum
        }
    }
}
