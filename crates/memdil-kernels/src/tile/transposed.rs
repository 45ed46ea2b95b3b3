//! Products with a transposed left factor, whose tiles go straight into what uses them.

#![allow(
    clippy::needless_range_loop,
    reason = "indices into register tiles, which iterators keep out of registers"
)]

use super::accumulate::{Left, accumulate};
use super::height::{next_tile, with_height};
use crate::vector::{Vector, width};

/// Takes the tiles of `Aᵀ B` when they are complete, row by row.
pub(crate) trait TileSink<V: Vector>: Copy {
    /// Asks for what [`TileSink::take`] will need.
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
    unsafe fn take(self, row: usize, sums: [V; 2]);
}

/// Computes `Aᵀ B` for `rows` columns of A, which lie in panels, and one panel of B, and hands the
/// tiles to a sink.
///
/// `a` is the first panel of A with the wanted columns, `a_stride` the values to its next panel,
/// `samples` the rows of A and B.
///
/// # Safety
///
/// As [`accumulate`].
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
        // A tile's rows are columns of A: they must not cross a panel.
        let left = (rows - row).min(width - row % width);
        let height = next_tile::<V>(left);
        // SAFETY: as for this function; `row` lies in panel `row / width`.
        unsafe {
            let start = a.add(row / width * a_stride + row % width);
            with_height!(V, height, M => transposed_tile::<V, S, M>(start, b, samples, row, sink));
        }
        row += height;
    }
}

/// A tile of `M` rows from `row` on.
///
/// # Safety
///
/// As [`transposed_product`].
#[inline(always)]
unsafe fn transposed_tile<V: Vector, S: TileSink<V>, const M: usize>(
    a: *const V::Scalar,
    b: *const V::Scalar,
    samples: usize,
    row: usize,
    sink: S,
) {
    unsafe {
        for m in 0..M {
            sink.prepare(row + m);
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
            sink.take(row + m, tile[m]);
        }
    }
}
