//! Products of gathered rows with weights in panels.

#![allow(
    clippy::needless_range_loop,
    reason = "indices into register tiles, which iterators keep out of registers"
)]

use rayon::prelude::*;

use super::Convolution;
use super::plan::{OUTSIDE, Plan};
use crate::Element;
use crate::vector::{Kernel, Vector, width};

/// Rows of weights that go through the tiles at once: a panel of them stays in the first-level
/// cache.
const DEPTH: usize = 256;

/// Weights as the tiles read them: panels of columns, in each the taps, in each the channels that
/// are summed over.
pub(super) struct Packed<T> {
    values: Vec<T>,
    /// Channels that are summed over.
    pub(super) depth: usize,
    /// Columns of the product.
    columns: usize,
    taps: usize,
}

impl<T: Element> Packed<T> {
    /// For the forward pass: from inputs to outputs.
    pub(super) fn forward(sizes: &Convolution, w: &[T], panel: usize) -> Self {
        let (depth, columns) = (sizes.inputs, sizes.outputs);
        Self::new(sizes, depth, columns, panel, |tap, k, first, to| {
            to.copy_from_slice(&w[(tap * depth + k) * columns + first..][..to.len()]);
        })
    }

    /// For the gradient of the images: from outputs to inputs.
    pub(super) fn transposed(sizes: &Convolution, w: &[T], panel: usize) -> Self {
        let (depth, columns) = (sizes.outputs, sizes.inputs);
        Self::new(sizes, depth, columns, panel, |tap, k, first, to| {
            let from = &w[(tap * columns + first) * depth + k..];
            for (to, from) in to.iter_mut().zip(from.iter().step_by(depth)) {
                *to = *from;
            }
        })
    }

    /// `row(tap, k, first, to)` fills the columns from `first` on.
    fn new(
        sizes: &Convolution,
        depth: usize,
        columns: usize,
        panel: usize,
        row: impl Fn(usize, usize, usize, &mut [T]) + Sync,
    ) -> Self {
        let taps = sizes.kernel * sizes.kernel;
        let mut values = vec![T::default(); columns.div_ceil(panel) * taps * depth * panel];
        values
            .par_chunks_mut(taps * depth * panel)
            .enumerate()
            .for_each(|(j, values)| {
                let part = panel.min(columns - j * panel);
                for (at, to) in values.chunks_exact_mut(panel).enumerate() {
                    row(at / depth, at % depth, j * panel, &mut to[..part]);
                }
            });
        Self {
            values,
            depth,
            columns,
            taps,
        }
    }
}

/// The rows of a plan for one group of images.
pub struct Product<'a, T> {
    /// The group's images, and its results.
    pub(super) source: &'a [T],
    pub(super) target: &'a mut [T],
    pub(super) plan: &'a Plan,
    pub(super) packed: &'a Packed<T>,
    /// As many as channels that are summed over.
    pub(super) zeros: &'a [T],
}

impl<T: Element> Kernel<T> for Product<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let (width, depth) = (width::<V>(), self.packed.depth);
        let taps_at_once = (DEPTH / depth).max(1);
        let target = self.target.as_mut_ptr();
        for (j, panel) in self
            .packed
            .values
            .chunks_exact(self.packed.taps * depth * width)
            .enumerate()
        {
            let columns = (self.packed.columns - j * width).min(width);
            for first_tap in (0..self.plan.taps.len()).step_by(taps_at_once) {
                for first in (0..depth).step_by(DEPTH) {
                    let part = Part {
                        product: &self,
                        target: target.wrapping_add(j * width),
                        panel,
                        columns,
                        taps: (
                            first_tap,
                            self.plan.taps.len().min(first_tap + taps_at_once),
                        ),
                        channels: (first, depth.min(first + DEPTH)),
                        add: first_tap > 0 || first > 0,
                    };
                    // SAFETY: a plan's offsets lie within the groups that it was made for.
                    unsafe { part.run::<V>() }
                }
            }
        }
    }
}

/// The terms of some taps and channels for one panel of columns.
struct Part<'a, T> {
    product: &'a Product<'a, T>,
    /// Columns of the first row's result.
    target: *mut T,
    panel: &'a [T],
    columns: usize,
    taps: (usize, usize),
    channels: (usize, usize),
    /// Whether the results already hold a part of the sum.
    add: bool,
}

impl<T: Element> Part<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Scalar = T>>(&self) {
        let rows = self.product.plan.targets.len();
        let mut row = 0;
        while row < rows {
            let height = (rows - row).min(V::ROWS);
            // SAFETY: the caller's.
            unsafe {
                if self.columns <= V::LANES {
                    self.tile_of::<V, 1>(row, height);
                } else {
                    self.tile_of::<V, 2>(row, height);
                }
            }
            row += height;
        }
    }

    #[inline(always)]
    unsafe fn tile_of<V: Vector<Scalar = T>, const N: usize>(&self, row: usize, height: usize) {
        // SAFETY: the caller's.
        unsafe {
            match height {
                8 if V::ROWS == 8 => self.tile::<V, 8, N>(row),
                7 if V::ROWS == 8 => self.tile::<V, 7, N>(row),
                6 => self.tile::<V, 6, N>(row),
                5 => self.tile::<V, 5, N>(row),
                4 => self.tile::<V, 4, N>(row),
                3 => self.tile::<V, 3, N>(row),
                2 => self.tile::<V, 2, N>(row),
                _ => self.tile::<V, 1, N>(row),
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<V: Vector<Scalar = T>, const M: usize, const N: usize>(&self, row: usize) {
        let Product {
            source,
            plan,
            packed,
            zeros,
            ..
        } = self.product;
        // SAFETY: the caller's.
        unsafe {
            let mut tile = [[V::splat(T::default()); N]; M];
            if self.add {
                for m in 0..M {
                    tile[m] = load::<V, N>(
                        self.target.add(*plan.targets.get_unchecked(row + m)),
                        self.columns,
                    );
                }
            }
            for tap in plan.taps.get_unchecked(self.taps.0..self.taps.1) {
                let mut a = [zeros.as_ptr(); M];
                let mut inside = false;
                for m in 0..M {
                    let offset = *tap.sources.get_unchecked(row + m);
                    if offset != OUTSIDE {
                        a[m] = source.as_ptr().add(offset);
                        inside = true;
                    }
                }
                if !inside {
                    continue;
                }
                let mut b = self
                    .panel
                    .as_ptr()
                    .add((tap.index * packed.depth + self.channels.0) * width::<V>());
                for k in self.channels.0..self.channels.1 {
                    let mut weights = [V::splat(T::default()); N];
                    for v in 0..N {
                        weights[v] = V::load(b.add(v * V::LANES));
                    }
                    for m in 0..M {
                        let factor = V::splat(*a[m].add(k));
                        for v in 0..N {
                            tile[m][v] = factor.mul_add(weights[v], tile[m][v]);
                        }
                    }
                    b = b.add(width::<V>());
                }
            }
            for m in 0..M {
                store::<V, N>(
                    self.target.add(*plan.targets.get_unchecked(row + m)),
                    tile[m],
                    self.columns,
                );
            }
        }
    }
}

/// `columns` values, zeros after them.
#[inline(always)]
unsafe fn load<V: Vector, const N: usize>(from: *const V::Scalar, columns: usize) -> [V; N] {
    // SAFETY: the caller's; no two vectors hold more than 32 values.
    unsafe {
        let mut buffer = [V::Scalar::default(); 32];
        let mut start = from;
        if columns < N * V::LANES {
            std::ptr::copy_nonoverlapping(from, buffer.as_mut_ptr(), columns);
            start = buffer.as_ptr();
        }
        let mut values = [V::splat(V::Scalar::default()); N];
        for v in 0..N {
            values[v] = V::load(start.add(v * V::LANES));
        }
        values
    }
}

/// The first `columns` values.
#[inline(always)]
unsafe fn store<V: Vector, const N: usize>(to: *mut V::Scalar, values: [V; N], columns: usize) {
    // SAFETY: the caller's; no two vectors hold more than 32 values.
    unsafe {
        if columns >= N * V::LANES {
            for v in 0..N {
                values[v].store(to.add(v * V::LANES));
            }
        } else {
            let mut buffer = [V::Scalar::default(); 32];
            for v in 0..N {
                values[v].store(buffer.as_mut_ptr().add(v * V::LANES));
            }
            std::ptr::copy_nonoverlapping(buffer.as_ptr(), to, columns);
        }
    }
}
