//! Products of matrices in panels, computed in tiles that stay in registers.

#![allow(
    clippy::needless_range_loop,
    reason = "indices into register tiles, which iterators keep out of registers"
)]

use super::accumulate::{Left, accumulate};
use super::height::{next_tile, with_height};
use crate::vector::{Element, Vector, prefetch, width};

/// Columns of the left factor that go through the tiles at once: with them, a panel of the right
/// factor stays in the first-level cache.
pub(crate) const DEPTH: usize = 256;

/// Panels of the left factor between a prefetch and its use.
const AHEAD: usize = 4;

/// A product `C = A B` of matrices in panels of the same width.
#[derive(Clone, Copy)]
pub(crate) struct PanelProduct<T> {
    /// First row of the wanted ones in the first panel of A.
    pub(crate) a: *const T,
    /// Values from a panel of A to the next.
    pub(crate) a_stride: usize,
    /// A panel of B.
    pub(crate) b: *const T,
    /// The same columns of C, at the first of the wanted rows.
    pub(crate) c: *mut T,
    /// Wanted rows.
    pub(crate) rows: usize,
    /// Columns of A to be summed over.
    pub(crate) depth: usize,
    /// Columns of the panel of B that are wanted; beyond them C may be left as it is.
    pub(crate) cols: usize,
    /// Whether C already holds a part of the sum.
    pub(crate) add: bool,
}

impl<T: Element> PanelProduct<T> {
    /// Computes rows of one panel of C, in one pass over `depth` columns of A.
    ///
    /// # Safety
    ///
    /// As [`accumulate`]; `c` must not overlap the factors.
    #[inline(always)]
    pub(crate) unsafe fn run<V: Vector<Scalar = T>>(self) {
        let mut row = 0;
        while row < self.rows {
            let rows = next_tile::<V>(self.rows - row);
            // SAFETY: as for `self`; the rows of a tile are within the wanted ones.
            unsafe {
                if self.cols <= V::LANES {
                    with_height!(V, rows, M => self.tile::<V, M, 1>(row));
                } else {
                    with_height!(V, rows, M => self.tile::<V, M, 2>(row));
                }
            }
            row += rows;
        }
    }

    /// A tile of `M` rows from `row` on, and `N` vectors.
    ///
    /// # Safety
    ///
    /// As [`run`](Self::run).
    #[inline(always)]
    unsafe fn tile<V: Vector<Scalar = T>, const M: usize, const N: usize>(self, row: usize) {
        let width = width::<V>();
        unsafe {
            let mut tile = [[V::splat(T::default()); N]; M];
            let c = self.c.add(row * width);
            if self.add {
                for m in 0..M {
                    for v in 0..N {
                        tile[m][v] = V::load(c.add(m * width + v * V::LANES));
                    }
                }
            }
            let mut a = Left {
                start: self.a.add(row * width),
                row: width,
                step: 1,
            };
            let mut b = self.b;
            for _ in 0..self.depth / width {
                for m in 0..M {
                    prefetch(a.start.wrapping_add(AHEAD * self.a_stride + m * width));
                }
                accumulate(&mut tile, width, a, b);
                a.start = a.start.add(self.a_stride);
                b = b.add(width * width);
            }
            accumulate(&mut tile, self.depth % width, a, b);
            for m in 0..M {
                for v in 0..N {
                    tile[m][v].store(c.add(m * width + v * V::LANES));
                }
            }
        }
    }
}
