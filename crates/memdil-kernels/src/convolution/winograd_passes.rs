//! The three passes by Winograd's algorithm.

use rayon::prelude::*;

use super::compiled::ConvolutionElement;
use super::sizes::Convolution;
use super::winograd::{
    BlockLayout, KernelGradients, POSITIONS, ROWS, SharedPointer, TileGrid, TilePair, TileProduct,
    TileSums, TransformedWeights, WeightTransform,
};
use crate::vector::Instructions;

/// Bytes of a block of tiles in a product, to stay in the L2 cache if channels are few.
const PRODUCT_BYTES: usize = 1 << 20;
/// Smallest number of tiles in a block, between which all weights are read again.
const LEAST_PRODUCT_TILES: usize = 64;

/// Bytes of a block of tiles in a gradient of the weights, as for a product.
const SUM_BYTES: usize = 1 << 20;
/// Smallest number of tiles in a block, between which all sums are read and written.
const LEAST_SUM_TILES: usize = 64;
/// Tiles that a task transforms.
const TILES_AT_ONCE: usize = 8;
/// Bytes of the sums of all slices.
const SLICE_BYTES: usize = 16 << 20;
/// Largest number of slices.
const MOST_SLICES: usize = 8;

/// The convolution of a batch of images.
pub(super) fn forward<T: ConvolutionElement>(
    sizes: &Convolution,
    instructions: Instructions,
    x: &[T],
    w: &[T],
) -> Vec<T> {
    let weights = TransformedWeights::forward(instructions, sizes, w);
    multiply(instructions, &TileGrid::forward(sizes), x, &weights, None)
}

/// The gradient of the images, added to `sum` if there is one.
pub(super) fn input_gradient<T: ConvolutionElement>(
    sizes: &Convolution,
    instructions: Instructions,
    g: &[T],
    w: &[T],
    sum: Option<Vec<T>>,
) -> Vec<T> {
    let weights = TransformedWeights::turned(instructions, sizes, w);
    let grid = TileGrid::input_gradient(sizes);
    multiply(instructions, &grid, g, &weights, sum)
}

/// The gradient of the weights, summed in slices of the batch that threads compute independently.
/// Slices and blocks do not depend on the number of threads, so neither do the sums.
pub(super) fn weight_gradient<T: ConvolutionElement>(
    sizes: &Convolution,
    instructions: Instructions,
    x: &[T],
    g: &[T],
) -> Vec<T> {
    let grid = TileGrid::forward(sizes);
    let width = T::panel_width(instructions);
    let bytes = POSITIONS * (sizes.inputs + sizes.outputs) * size_of::<T>();
    let size = (SUM_BYTES / bytes).max(LEAST_SUM_TILES).min(grid.tiles);
    let sum_bytes = POSITIONS * sizes.inputs * sizes.outputs * size_of::<T>();
    let slices = (SLICE_BYTES / sum_bytes).clamp(1, MOST_SLICES);
    let slice = grid.tiles.div_ceil(size).div_ceil(slices) * size;
    let layouts = [sizes.inputs, sizes.outputs].map(|c| BlockLayout::new(size, c, width));
    let layout = BlockLayout::by_panel(sizes.inputs, sizes.outputs, width);
    let sums: Vec<Vec<T>> = (0..grid.tiles.div_ceil(slice))
        .into_par_iter()
        .map(|at| {
            let mut buffers = layouts.map(|layout| layout.zeros::<T>());
            let mut sum = Vec::with_capacity(layout.values());
            let task = SliceSum {
                instructions,
                grid: &grid,
                x,
                g,
                layouts,
                buffers: buffers.each_mut().map(|b| SharedPointer(b.as_mut_ptr())),
                layout,
                sum: SharedPointer(sum.as_mut_ptr()),
            };
            let end = grid.tiles.min((at + 1) * slice);
            for first in (at * slice..end).step_by(size) {
                task.add(first, size.min(end - first), first > at * slice);
            }
            // SAFETY: the first block has written all sums.
            unsafe { sum.set_len(layout.values()) };
            sum
        })
        .collect();
    let mut gradient = Vec::with_capacity(sizes.weights());
    let to = SharedPointer(gradient.as_mut_ptr());
    (0..sizes.inputs)
        .into_par_iter()
        .with_min_len(4)
        .for_each(|input| {
            let task = KernelGradients {
                sizes,
                input,
                layout,
                sums: &sums,
                to,
            };
            T::transform_sums(instructions, task);
        });
    // SAFETY: the tasks have written the kernels of all inputs.
    unsafe { gradient.set_len(sizes.weights()) };
    gradient
}

/// The memory of a slice, and what it reads.
struct SliceSum<'a, T> {
    instructions: Instructions,
    grid: &'a TileGrid,
    x: &'a [T],
    g: &'a [T],
    /// Layouts and memory of the transformed values and gradients of a block of tiles.
    layouts: [BlockLayout; 2],
    buffers: [SharedPointer<T>; 2],
    /// Layout and memory of the sum.
    layout: BlockLayout,
    sum: SharedPointer<T>,
}

impl<T: ConvolutionElement> SliceSum<'_, T> {
    /// Writes the products of the first block of tiles, or adds those of another one.
    fn add(&self, first: usize, tiles: usize, add: bool) {
        (0..tiles.div_ceil(TILES_AT_ONCE))
            .into_par_iter()
            .for_each(|at| {
                let start = at * TILES_AT_ONCE;
                let task = TilePair {
                    grid: self.grid,
                    x: self.x,
                    g: self.g,
                    first,
                    rows: (start, tiles.min(start + TILES_AT_ONCE)),
                    layouts: self.layouts,
                    buffers: self.buffers,
                };
                T::transform_tiles(self.instructions, task);
            });
        let panels = self.layout.panels;
        (0..POSITIONS * panels).into_par_iter().for_each(|at| {
            let task = TileSums {
                tiles,
                position: at / panels,
                panel: at % panels,
                inputs: self.grid.from.channels,
                layouts: self.layouts,
                buffers: self.buffers,
                sums: self.layout,
                sum: self.sum,
                add,
            };
            T::sum_tiles(self.instructions, task);
        });
    }
}

impl<T: ConvolutionElement> TransformedWeights<T> {
    /// The weights of the forward pass, from inputs to outputs.
    pub(super) fn forward(instructions: Instructions, sizes: &Convolution, w: &[T]) -> Self {
        Self::new(instructions, w, sizes.inputs, sizes.outputs, false)
    }

    /// The weights of the gradient of the images, from outputs to inputs, turned by 180 degrees.
    pub(super) fn turned(instructions: Instructions, sizes: &Convolution, w: &[T]) -> Self {
        Self::new(instructions, w, sizes.outputs, sizes.inputs, true)
    }

    fn new(
        instructions: Instructions,
        w: &[T],
        depth: usize,
        columns: usize,
        turned: bool,
    ) -> Self {
        let width = T::panel_width(instructions);
        let (panels, panel) = (columns.div_ceil(width), depth * width);
        let mut values = Vec::with_capacity(POSITIONS * panels * panel);
        let to = SharedPointer(values.as_mut_ptr());
        (0..panels * depth.div_ceil(ROWS))
            .into_par_iter()
            .for_each(|at| {
                let first = at / panels * ROWS;
                let task = WeightTransform {
                    w,
                    depth,
                    columns,
                    turned,
                    panel: at % panels,
                    rows: (first, depth.min(first + ROWS)),
                    to,
                };
                T::transform_weights(instructions, task);
            });
        // SAFETY: the tasks have written all rows of all panels.
        unsafe { values.set_len(POSITIONS * panels * panel) };
        Self { values, panel }
    }
}

/// The results of all tiles, added to `sum` if there is one.
fn multiply<T: ConvolutionElement>(
    instructions: Instructions,
    grid: &TileGrid,
    source: &[T],
    weights: &TransformedWeights<T>,
    sum: Option<Vec<T>>,
) -> Vec<T> {
    let (from, to) = (grid.from, grid.to);
    let images = source.len() / from.values();
    let results = images * to.values();
    let add = sum.is_some();
    let mut target = sum.unwrap_or_else(|| Vec::with_capacity(results));
    let size = block_size::<T>(grid);
    let blocks = grid.tiles.div_ceil(size);
    let pointer = SharedPointer(target.as_mut_ptr());
    let panel = T::panel_width(instructions);
    let layouts = [from.channels, to.channels].map(|c| BlockLayout::new(size, c, panel));
    let buffers = || layouts.map(|layout| layout.zeros::<T>());
    (0..blocks)
        .into_par_iter()
        .for_each_init(buffers, |buffers, block| {
            let first = block * size;
            let task = TileProduct {
                grid,
                source,
                weights,
                target: pointer,
                add,
                tiles: (first, grid.tiles.min(first + size)),
                layouts,
                buffers,
            };
            T::multiply_tiles(instructions, task);
        });
    // SAFETY: every result belongs to a tile, and the blocks have written all tiles.
    unsafe { target.set_len(results) };
    target
}

/// Number of tiles in a block.
fn block_size<T>(grid: &TileGrid) -> usize {
    let bytes = POSITIONS * (grid.from.channels + grid.to.channels) * size_of::<T>();
    let cached = (PRODUCT_BYTES / bytes).max(LEAST_PRODUCT_TILES);
    let each = grid.tiles.div_ceil(rayon::current_num_threads());
    // Tiles of registers have 6 or 8 rows.
    cached.min(each).next_multiple_of(16)
}
