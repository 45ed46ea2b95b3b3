//! The inner loop for products with a few vectors, with all sums in registers.

use super::number::Number;

/// Products of one centred row with `N` vectors. The loops index arrays of known size, so that the
/// compiler keeps all sums in registers.
#[inline(always)]
pub(super) fn products<
    T: Copy + Into<C>,
    C: Number,
    const L: usize,
    const N: usize,
    const FUSED: bool,
>(
    row: &[T],
    (high, low): (&[C], &[C]),
    vectors: &[[C; L]],
    rest: &[C],
) -> [C; N] {
    let (row, row_rest) = row.as_chunks::<L>();
    let (high, high_rest) = high.as_chunks::<L>();
    let (low, low_rest) = low.as_chunks::<L>();
    let blocks = row.len();
    let (high, low) = (&high[..blocks], &low[..blocks]);
    let vectors = &vectors.as_chunks::<N>().0[..blocks];
    let mut sums = [[C::ZERO; L]; N];
    for block in 0..blocks {
        let (values, high, low, vectors) = (row[block], high[block], low[block], &vectors[block]);
        let mut centred = [C::ZERO; L];
        for lane in 0..L {
            let value: C = values[lane].into();
            centred[lane] = (value - high[lane]) - low[lane];
        }
        for vector in 0..N {
            let entries = vectors[vector];
            for lane in 0..L {
                let sum = sums[vector][lane];
                sums[vector][lane] = if FUSED {
                    centred[lane].mul_add(entries[lane], sum)
                } else {
                    centred[lane] * entries[lane] + sum
                };
            }
        }
    }
    let mut products = add_lanes(sums);
    for feature in 0..row_rest.len() {
        let value: C = row_rest[feature].into();
        let centred = (value - high_rest[feature]) - low_rest[feature];
        for vector in 0..N {
            products[vector] = products[vector] + centred * rest[vector * row_rest.len() + feature];
        }
    }
    products
}

/// The sum of each array. Not inlined, because the compiler would otherwise optimise the main loop
/// for these few additions.
#[inline(never)]
fn add_lanes<C: Number, const L: usize, const N: usize>(mut sums: [[C; L]; N]) -> [C; N] {
    let mut totals = [C::ZERO; N];
    for vector in 0..N {
        let lanes = &mut sums[vector];
        // Pairwise summation by halves keeps the additions independent.
        let mut half = L;
        while half > 1 {
            half /= 2;
            for lane in 0..half {
                lanes[lane] = lanes[lane] + lanes[lane + half];
            }
        }
        totals[vector] = lanes[0];
    }
    totals
}
