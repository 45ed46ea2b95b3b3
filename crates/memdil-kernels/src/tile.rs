//! Products of matrices in panels, computed in tiles that stay in registers.

#![allow(
    clippy::needless_range_loop,
    reason = "indices into register tiles, which iterators keep out of registers"
)]

use crate::Element;
use crate::vector::{Vector, prefetch, width};

/// How the left factor of a product is read: `a(i, k)` stands at `start + i * row + k * step`
/// within a panel.
#[derive(Clone, Copy)]
struct Left<T> {
    start: *const T,
    row: usize,
    step: usize,
}

/// Adds `sum over k < len of a(i, k) b(k, ·)` to a tile of `M` rows and `N` vectors. Row k of `b`
/// stands `width` values behind row k - 1.
///
/// # Safety
///
/// The pointers must be valid for what is read, and the processor must have the vector's
/// instructions.
#[inline(always)]
unsafe fn accumulate<V: Vector, const M: usize, const N: usize>(
    tile: &mut [[V; N]; M],
    len: usize,
    a: Left<V::Scalar>,
    b: *const V::Scalar,
) {
    // SAFETY: the caller's.
    unsafe {
        for k in 0..len {
            let mut row = [V::splat(V::Scalar::default()); N];
            for v in 0..N {
                row[v] = V::load(b.add(k * width::<V>() + v * V::LANES));
            }
            for m in 0..M {
                let factor = V::splat(*a.start.add(m * a.row + k * a.step));
                for v in 0..N {
                    tile[m][v] = factor.mul_add(row[v], tile[m][v]);
                }
            }
        }
    }
}

/// Columns of the left factor that go through the tiles at once: with them, a panel of the right
/// factor stays in the first-level cache.
pub(crate) const DEPTH: usize = 256;

/// Panels of the left factor between a prefetch and its use.
const AHEAD: usize = 4;

/// A product `C = A B` of matrices in panels of the same width.
#[derive(Clone, Copy)]
pub(crate) struct Product<T> {
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

impl<T: Element> Product<T> {
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
            // SAFETY: the caller's; the rows of a tile are within the wanted ones.
            unsafe {
                if self.cols <= V::LANES {
                    self.tile_of::<V, 1>(row, rows);
                } else {
                    self.tile_of::<V, 2>(row, rows);
                }
            }
            row += rows;
        }
    }

    #[inline(always)]
    unsafe fn tile_of<V: Vector<Scalar = T>, const N: usize>(self, row: usize, rows: usize) {
        // SAFETY: the caller's.
        unsafe {
            match rows {
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
    unsafe fn tile<V: Vector<Scalar = T>, const M: usize, const N: usize>(self, row: usize) {
        let width = width::<V>();
        // SAFETY: the caller's.
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

/// Rows of the next tile: 16 rows make tiles of 6, 6 and 4, or of 8 and 8, so that none is too low
/// to keep the multipliers busy.
#[inline(always)]
pub(crate) fn next_tile<V: Vector>(rows: usize) -> usize {
    match rows % 16 {
        0 | 10.. if V::ROWS == 6 => 6,
        8 if V::ROWS == 6 => 4,
        _ => rows.min(V::ROWS),
    }
}

/// What is done with a tile of `Aᵀ B` when it is complete: `M` rows from `row` on, of two vectors.
pub(crate) trait Finish<V: Vector>: Copy {
    /// Asks for what [`Finish::finish`] will need.
    ///
    /// # Safety
    ///
    /// As [`accumulate`].
    unsafe fn prepare(self, row: usize);
    /// Takes a row of the tile.
    ///
    /// # Safety
    ///
    /// As [`accumulate`].
    unsafe fn finish(self, row: usize, sums: [V; 2]);
}

/// Computes `Aᵀ B` for `rows` columns of A, which lie in panels, and one panel of B, and hands the
/// tiles on.
///
/// `a` is the first panel of A with the wanted columns, `a_stride` the values to its next panel,
/// `samples` the rows of A and B.
///
/// # Safety
///
/// As [`accumulate`].
#[inline(always)]
pub(crate) unsafe fn transposed_product<V: Vector, F: Finish<V>>(
    a: *const V::Scalar,
    a_stride: usize,
    b: *const V::Scalar,
    rows: usize,
    samples: usize,
    finish: F,
) {
    let width = width::<V>();
    let mut row = 0;
    while row < rows {
        // A tile's rows are columns of A: they must not cross a panel.
        let left = (rows - row).min(width - row % width);
        let height = next_tile::<V>(left);
        // SAFETY: the caller's; `row` lies in panel `row / width`.
        unsafe {
            let start = a.add(row / width * a_stride + row % width);
            match height {
                8 if V::ROWS == 8 => transposed_tile::<V, F, 8>(start, b, samples, row, finish),
                7 if V::ROWS == 8 => transposed_tile::<V, F, 7>(start, b, samples, row, finish),
                6 => transposed_tile::<V, F, 6>(start, b, samples, row, finish),
                5 => transposed_tile::<V, F, 5>(start, b, samples, row, finish),
                4 => transposed_tile::<V, F, 4>(start, b, samples, row, finish),
                3 => transposed_tile::<V, F, 3>(start, b, samples, row, finish),
                2 => transposed_tile::<V, F, 2>(start, b, samples, row, finish),
                _ => transposed_tile::<V, F, 1>(start, b, samples, row, finish),
            }
        }
        row += height;
    }
}

#[inline(always)]
unsafe fn transposed_tile<V: Vector, F: Finish<V>, const M: usize>(
    a: *const V::Scalar,
    b: *const V::Scalar,
    samples: usize,
    row: usize,
    finish: F,
) {
    // SAFETY: the caller's.
    unsafe {
        for m in 0..M {
            finish.prepare(row + m);
        }
        let mut tile = [[V::splat(V::Scalar::default()); 2]; M];
        accumulate(
            &mut tile,
            samples,
            Left {
                start: a,
                row: 1,
                step: width::<V>(),
            },
            b,
        );
        for m in 0..M {
            finish.finish(row + m, tile[m]);
        }
    }
}

/// Writes the transpose of a block of `rows` rows and `width` columns: the first `cols` columns
/// become rows, as wide as a panel, in which zeros follow the `rows` values.
///
/// # Safety
///
/// `from` must be valid for `rows` rows of `width` values, `to` for `cols`, and they must not
/// overlap.
#[inline(always)]
pub(crate) unsafe fn transpose<V: Vector>(
    from: *const V::Scalar,
    rows: usize,
    to: *mut V::Scalar,
    cols: usize,
) {
    let width = width::<V>();
    for c in 0..cols {
        for r in 0..width {
            // SAFETY: row r is read only where there is one.
            unsafe {
                *to.add(c * width + r) = if r < rows {
                    *from.add(r * width + c)
                } else {
                    V::Scalar::default()
                };
            }
        }
    }
}
