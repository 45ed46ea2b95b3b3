//! Products of matrices in panels, computed in register tiles.

#![allow(
    clippy::needless_range_loop,
    reason = "indices into register tiles, which iterators keep out of registers"
)]

use super::accumulate::{Left, accumulate};
use super::height::{next_tile, with_height};
use crate::vector::{Element, Vector, prefetch, width};

/// Columns of the left factor that are multiplied at once, few enough for the matching rows of a
/// panel of the right factor to stay in the L1 cache.
pub(crate) const DEPTH: usize = 256;

/// Distance of a prefetch from its use, in panels of the left factor.
const AHEAD: usize = 4;

/// A product `C = A B` of matrices in panels of the same width.
#[derive(Clone, Copy)]
pub(crate) struct PanelProduct<T> {
    /// The first requested row in the first panel of A.
    pub(crate) a: *const T,
    /// Number of values between the starts of consecutive panels of A.
    pub(crate) a_stride: usize,
    /// A panel of B.
    pub(crate) b: *const T,
    /// The first requested row in the panel of C with the columns of `b`.
    pub(crate) c: *mut T,
    /// Number of requested rows.
    pub(crate) rows: usize,
    /// Number of columns of A to be summed over.
    pub(crate) depth: usize,
    /// Number of requested columns of the panel; columns of C beyond them may stay unchanged.
    pub(crate) cols: usize,
    /// Whether C already holds a part of the sum.
    pub(crate) add: bool,
}

impl<T: Element> PanelProduct<T> {
    /// Computes the requested rows of one panel of C, in one pass over `depth` columns of A.
    ///
    /// # Safety
    ///
    /// As for [`accumulate`]; `c` must not overlap the factors.
    #[inline(always)]
    pub(crate) unsafe fn run<V: Vector<Scalar = T>>(self) {
        let mut row = 0;
        while row < self.rows {
            let rows = next_tile::<V>(self.rows - row);
            // SAFETY: upheld by the caller, see `# Safety`; the rows of a tile are among the
            // requested rows.
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

    /// A tile of `M` rows, starting at `row`, and `N` vectors.
    ///
    /// # Safety
    ///
    /// As for [`run`](Self::run).
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
                // Past the end after the last panel, and then not read.
                a.start = a.start.wrapping_add(self.a_stride);
                b = b.wrapping_add(width * width);
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
