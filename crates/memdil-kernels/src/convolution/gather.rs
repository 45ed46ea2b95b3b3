//! Products of gathered rows with weights in panels.

#![allow(
    clippy::needless_range_loop,
    reason = "indices into register tiles, which iterators keep out of registers"
)]

use std::mem::MaybeUninit;

use super::packed::PackedWeights;
use super::plan::{GatherPlan, OUTSIDE};
use crate::tile::with_height;
use crate::vector::{Element, Vector, VectorKernel, width};

/// Rows of weights that are multiplied at once, few enough for a panel of them to stay in the L1
/// cache.
const DEPTH: usize = 256;

/// The product of a plan's gathered rows with the weights, for one group of images.
pub struct GatheredProduct<'a, T> {
    /// The values that the plan reads: images, or gradients of results.
    pub(super) source: &'a [T],
    /// The values that the plan writes: results, or gradients of images.
    pub(super) target: &'a mut [MaybeUninit<T>],
    pub(super) plan: &'a GatherPlan,
    pub(super) packed: &'a PackedWeights<T>,
    /// A row of zeros, read for taps on the padding.
    pub(super) zeros: &'a [T],
}

impl<T: Element> VectorKernel<T> for GatheredProduct<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let (width, depth) = (width::<V>(), self.packed.depth);
        let taps_at_once = (DEPTH / depth).max(1);
        if self.plan.taps.is_empty() {
            for &row in &self.plan.targets {
                self.target[row..][..self.packed.columns].fill(MaybeUninit::new(T::default()));
            }
        }
        let target = self.target.as_mut_ptr().cast::<T>();
        for (j, panel) in self
            .packed
            .values
            .chunks_exact(self.packed.taps * depth * width)
            .enumerate()
        {
            let columns = (self.packed.columns - j * width).min(width);
            for first_tap in (0..self.plan.taps.len()).step_by(taps_at_once) {
                for first in (0..depth).step_by(DEPTH) {
                    let block = ProductBlock {
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
                    // SAFETY: `dispatch` requires supported instructions, and a plan's offsets are
                    // within the groups that it was computed for.
                    unsafe { block.run::<V>() }
                }
            }
        }
    }
}

/// The terms of a range of taps and channels, for one panel of columns.
struct ProductBlock<'a, T> {
    product: &'a GatheredProduct<'a, T>,
    /// The panel's first column in the target.
    target: *mut T,
    panel: &'a [T],
    columns: usize,
    taps: (usize, usize),
    channels: (usize, usize),
    /// Whether the results already hold a part of the sum.
    add: bool,
}

impl<T: Element> ProductBlock<'_, T> {
    /// Adds the terms to all rows.
    ///
    /// # Safety
    ///
    /// The plan's offsets must be within source and target, and the processor must support the
    /// vector's instructions.
    #[inline(always)]
    unsafe fn run<V: Vector<Scalar = T>>(&self) {
        let rows = self.product.plan.targets.len();
        let mut row = 0;
        while row < rows {
            let height = (rows - row).min(V::ROWS);
            unsafe {
                if self.columns <= V::LANES {
                    with_height!(V, height, M => self.tile::<V, M, 1>(row));
                } else {
                    with_height!(V, height, M => self.tile::<V, M, 2>(row));
                }
            }
            row += height;
        }
    }

    /// A tile of `M` rows, starting at `row`, and `N` vectors.
    ///
    /// # Safety
    ///
    /// As for [`run`](Self::run).
    #[inline(always)]
    unsafe fn tile<V: Vector<Scalar = T>, const M: usize, const N: usize>(&self, row: usize) {
        let GatheredProduct {
            source,
            plan,
            packed,
            zeros,
            ..
        } = self.product;
        unsafe {
            let mut tile = [[V::splat(T::default()); N]; M];
            if self.add {
                for m in 0..M {
                    let from = self.target.add(*plan.targets.get_unchecked(row + m));
                    for v in 0..N {
                        let at = v * V::LANES;
                        tile[m][v] = V::load_first(from.add(at), self.columns - at);
                    }
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
                let to = self.target.add(*plan.targets.get_unchecked(row + m));
                for v in 0..N {
                    let at = v * V::LANES;
                    tile[m][v].store_first(to.add(at), self.columns - at);
                }
            }
        }
    }
}
