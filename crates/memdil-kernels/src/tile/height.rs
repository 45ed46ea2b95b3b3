//! The numbers of rows of a product's tiles, as constants.

use crate::vector::Vector;

/// Rows of the next tile. 16 rows are split into tiles of 6, 6 and 4, or of 8 and 8, because tiles
/// with fewer rows do not keep the multipliers busy.
#[inline(always)]
pub(crate) fn next_tile<V: Vector>(rows: usize) -> usize {
    match rows % 16 {
        0 | 10.. if V::ROWS == 6 => 6,
        8 if V::ROWS == 6 => 4,
        _ => rows.min(V::ROWS),
    }
}

/// Evaluates an expression with the rows of a tile, at most [`Vector::ROWS`], as the constant `$m`.
macro_rules! with_height {
    (@tile $rows:literal, $m:ident, $body:expr) => {{
        const $m: usize = $rows;
        $body
    }};
    ($vector:ident, $height:expr, $m:ident => $body:expr) => {
        match $height {
            8 if $vector::ROWS == 8 => $crate::tile::with_height!(@tile 8, $m, $body),
            7 if $vector::ROWS == 8 => $crate::tile::with_height!(@tile 7, $m, $body),
            6 => $crate::tile::with_height!(@tile 6, $m, $body),
            5 => $crate::tile::with_height!(@tile 5, $m, $body),
            4 => $crate::tile::with_height!(@tile 4, $m, $body),
            3 => $crate::tile::with_height!(@tile 3, $m, $body),
            2 => $crate::tile::with_height!(@tile 2, $m, $body),
            _ => $crate::tile::with_height!(@tile 1, $m, $body),
        }
    };
}
pub(crate) use with_height;
