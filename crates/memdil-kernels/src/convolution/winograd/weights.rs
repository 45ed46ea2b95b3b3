//! Transformed weights.

#![allow(
    clippy::needless_range_loop,
    reason = "constant ranges, which the compiler unrolls"
)]

use super::block::SharedPointer;
use super::transform::{POSITIONS, VALUES, two_dimensional, weights};
use crate::vector::{Element, Vector, VectorKernel, width};

/// The transform G w Gᵀ of all kernels: for each panel of columns and position, a row per channel to
/// be summed over.
pub(in crate::convolution) struct TransformedWeights<T> {
    pub(in crate::convolution) values: Vec<T>,
    /// Values of a panel and position.
    pub(in crate::convolution) panel: usize,
}

impl<T> TransformedWeights<T> {
    #[inline(always)]
    pub(super) fn panel(&self, position: usize, panel: usize) -> &[T] {
        &self.values[(panel * POSITIONS + position) * self.panel..][..self.panel]
    }
}

/// Rows that a task transforms.
pub(in crate::convolution) const ROWS: usize = 16;

/// The transform of some rows of a panel.
pub struct WeightTransform<'a, T> {
    /// The weights (3, 3, inputs, outputs).
    pub(in crate::convolution) w: &'a [T],
    pub(in crate::convolution) depth: usize,
    pub(in crate::convolution) columns: usize,
    pub(in crate::convolution) turned: bool,
    pub(in crate::convolution) panel: usize,
    pub(in crate::convolution) rows: (usize, usize),
    pub(in crate::convolution) to: SharedPointer<T>,
}

impl<T: Element> VectorKernel<T> for WeightTransform<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let width = width::<V>();
        let first = self.panel * width;
        let count = width.min(self.columns - first);
        // Kernel by kernel, tap by tap; a panel has at most 32 columns.
        let mut taps = [[[T::default(); 32]; 9]; ROWS];
        self.gather(first, count, &mut taps);
        for (row, taps) in (self.rows.0..self.rows.1).zip(&taps) {
            for v in 0..2 {
                // SAFETY: `dispatch` requires supported instructions; the tasks write different
                // rows of different panels.
                unsafe {
                    let position = self.depth * width;
                    let to = self.panel * POSITIONS * position + row * width + v * V::LANES;
                    let to = self.to.0.add(to);
                    two_dimensional!(weights, 3, VALUES,
                        (r, c) => V::load(taps[r * 3 + c].as_ptr().add(v * V::LANES)),
                        (i, j, value) => value.store(to.add((i * VALUES + j) * position)));
                }
            }
        }
    }
}

impl<T: Element> WeightTransform<'_, T> {
    /// Copies the kernels of the rows and of `count` columns.
    #[inline(always)]
    fn gather(&self, first: usize, count: usize, taps: &mut [[[T; 32]; 9]; ROWS]) {
        let rows = self.rows.0..self.rows.1;
        for tap in 0..9 {
            if self.turned {
                for column in 0..count {
                    let from = ((8 - tap) * self.columns + first + column) * self.depth;
                    let from = &self.w[from..][rows.clone()];
                    for (to, &from) in taps.iter_mut().zip(from) {
                        to[tap][column] = from;
                    }
                }
            } else {
                for (row, to) in rows.clone().zip(taps.iter_mut()) {
                    let from = (tap * self.depth + row) * self.columns + first;
                    to[tap][..count].copy_from_slice(&self.w[from..][..count]);
                }
            }
        }
    }
}
