//! Products with a transposed left factor, which pass each tile to a sink instead of storing it.

#![allow(
    clippy::needless_range_loop,
    reason = "indices into register tiles, which iterators keep out of registers"
)]

use super::accumulate::{Left, accumulate};
use super::height::{next_tile, with_height};
use crate::vector::{Vector, width};

/// Consumes complete tiles of `Aᵀ B`, row by row.
pub(crate) trait TileSink<V: Vector>: Copy {
    /// Prefetches the memory that the tiles after this one will use, in parts of one row.
    ///
    /// # Safety
    ///
    /// As for [`accumulate`].
    unsafe fn prepare(self, row: usize);
    /// Consumes a row of a tile.
    ///
    /// # Safety
    ///
    /// As for [`accumulate`].
    unsafe fn take(self, row: usize, sums: [V; 2]);
}

/// Computes `Aᵀ B` for `rows` columns of A, a matrix in panels, and one panel of B. Passes the tiles
/// to a sink.
///
/// `a` is the first panel of A with the requested columns, `a_stride` the number of values to its
/// next panel, `samples` the number of rows of A and B.
///
/// # Safety
///
/// As for [`accumulate`].
#[inline(always)]
pub(crate) unsafe fn transposed_product<V: Vector, S: TileSink<V>>(
    a: *const V::Scalar,
    a_stride: usize,
    b: *const V::Scalar,
    rows: usize,
    samples: usize,
    sink: S,
) {
    let width = width::<V>();
    let mut row = 0;
    while row < rows {
        // A tile's rows are columns of A, so a tile must not cross a panel boundary.
        let left = (rows - row).min(width - row % width);
        let height = next_tile::<V>(left);
        // SAFETY: upheld by the caller, see `# Safety`; `row` is in panel `row / width`.
        unsafe {
            let start = a.add(row / width * a_stride + row % width);
            with_height!(V, height, M => transposed_tile::<V, S, M>(start, b, samples, row, sink));
        }
        row += height;
    }
}

/// A tile of `M` rows, starting at `row`.
///
/// # Safety
///
/// As for [`transposed_product`].
#[inline(always)]
unsafe fn transposed_tile<V: Vector, S: TileSink<V>, const M: usize>(
    a: *const V::Scalar,
    b: *const V::Scalar,
    samples: usize,
    row: usize,
    sink: S,
) {
    unsafe {
        let width = width::<V>();
        let mut tile = [[V::splat(V::Scalar::default()); 2]; M];
        // The prefetches are spread over the sum, because many at once delay its loads.
        let part = samples.div_ceil(M);
        for m in 0..M {
            sink.prepare(row + m);
            let first = samples.min(m * part);
            let left = Left {
                // Past the end if no samples are left, and then not read.
                start: a.wrapping_add(first * width),
                row: 1,
                step: width,
            };
            let len = part.min(samples - first);
            accumulate(&mut tile, len, left, b.wrapping_add(first * width));
        }
        for m in 0..M {
            sink.take(row + m, tile[m]);
        }
    }
}
