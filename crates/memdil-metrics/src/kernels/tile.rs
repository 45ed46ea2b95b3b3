//! The inner loop for products with many vectors: a tile of rows times a line of vectors.

use super::number::Number;

/// Number of rows multiplied at a time.
pub(super) const TILE: usize = 6;

/// Adds the products of [`TILE`] rows with the first `USED` vectors of a line to rows of `out`,
/// which are `stride` entries apart.
///
/// The loops index arrays of known size, so that the compiler keeps all sums in registers.
#[inline(always)]
pub(super) fn add_tile<C: Number, const WIDTH: usize, const USED: usize, const FUSED: bool>(
    rows: [&[C]; TILE],
    vectors: &[[C; WIDTH]],
    out: &mut [C],
    stride: usize,
) {
    let mut sums = [[C::ZERO; USED]; TILE];
    let depth = vectors.len();
    // Equal slice lengths allow the compiler to remove the bounds checks from the loop.
    let [a, b, c, d, e, f] = rows;
    let rows = [
        &a[..depth],
        &b[..depth],
        &c[..depth],
        &d[..depth],
        &e[..depth],
        &f[..depth],
    ];
    for feature in 0..depth {
        let line = vectors[feature];
        for row in 0..TILE {
            let value = rows[row][feature];
            for lane in 0..USED {
                let sum = sums[row][lane];
                sums[row][lane] = if FUSED {
                    value.mul_add(line[lane], sum)
                } else {
                    value * line[lane] + sum
                };
            }
        }
    }
    for row in 0..TILE {
        let out = &mut out[row * stride..][..USED];
        for lane in 0..USED {
            out[lane] = out[lane] + sums[row][lane];
        }
    }
}
