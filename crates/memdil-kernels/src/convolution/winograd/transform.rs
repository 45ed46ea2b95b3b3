//! The one-dimensional transforms of F(4, 3), which computes four results of a filter with three taps
//! from six values with six multiplications.
//!
//! The filter and the values are polynomials. Their product is found from its values at the points
//! 0, a, -a, b, -b and infinity (Winograd 1980; Lavin and Gray 2016):
//!
//! ```text
//! y = Aᵀ [(G w) ⊙ (Bᵀ x)]
//! ```
//!
//! The usual points are a = 1 and b = 2. With a = 5/8 and b = 3/2, the root mean square error of the
//! forward pass in f32 is half as large, about four times that of the direct sum (see
//! docs/src/training.md). Both points, and all coefficients of A and B, are exact in binary.

use crate::vector::{Element, Vector};

/// Results of a tile in each direction.
pub(super) const RESULTS: usize = 4;
/// Values that a tile reads in each direction.
pub(super) const VALUES: usize = RESULTS + 2;
/// Values of a transformed tile.
pub(in crate::convolution) const POSITIONS: usize = VALUES * VALUES;

const A: f64 = 0.625;
const B: f64 = 1.5;
const A2: f64 = A * A;
const B2: f64 = B * B;

/// The coefficients of G at the points 0, ±a and ±b: the reciprocal of the product of a point's
/// differences from the other points.
const G0: f64 = 1.0 / (A2 * B2);
const GA: f64 = 1.0 / (2.0 * A2 * (A2 - B2));
const GB: f64 = 1.0 / (2.0 * B2 * (B2 - A2));

/// `x * factor + term`.
///
/// # Safety
///
/// The processor must support the vector's instructions. The same holds for all functions below.
#[inline(always)]
unsafe fn scaled<V: Vector>(x: V, factor: f64, term: V) -> V {
    unsafe { x.mul_add(V::splat(V::Scalar::from_f64(factor)), term) }
}

#[inline(always)]
unsafe fn times<V: Vector>(x: V, factor: f64) -> V {
    unsafe { x.mul(V::splat(V::Scalar::from_f64(factor))) }
}

/// Bᵀ x.
#[inline(always)]
pub(super) unsafe fn values<V: Vector>(x: [V; 6]) -> [V; 6] {
    unsafe {
        let even_a = scaled(x[2], -B2, x[4]);
        let odd_a = scaled(x[1], -B2, x[3]);
        let even_b = scaled(x[2], -A2, x[4]);
        let odd_b = scaled(x[1], -A2, x[3]);
        [
            scaled(x[2], -A2 - B2, scaled(x[0], A2 * B2, x[4])),
            scaled(odd_a, A, even_a),
            scaled(odd_a, -A, even_a),
            scaled(odd_b, B, even_b),
            scaled(odd_b, -B, even_b),
            scaled(x[3], -A2 - B2, scaled(x[1], A2 * B2, x[5])),
        ]
    }
}

/// G w.
#[inline(always)]
pub(super) unsafe fn weights<V: Vector>(w: [V; 3]) -> [V; 6] {
    unsafe {
        let even_a = scaled(w[2], GA * A2, times(w[0], GA));
        let even_b = scaled(w[2], GB * B2, times(w[0], GB));
        [
            times(w[0], G0),
            scaled(w[1], GA * A, even_a),
            scaled(w[1], -GA * A, even_a),
            scaled(w[1], GB * B, even_b),
            scaled(w[1], -GB * B, even_b),
            w[2],
        ]
    }
}

/// Aᵀ m.
#[inline(always)]
pub(super) unsafe fn results<V: Vector>(m: [V; 6]) -> [V; 4] {
    unsafe {
        let (sum_a, difference_a) = (m[1].add(m[2]), m[1].sub(m[2]));
        let (sum_b, difference_b) = (m[3].add(m[4]), m[3].sub(m[4]));
        [
            m[0].add(sum_a).add(sum_b),
            scaled(difference_b, B, times(difference_a, A)),
            scaled(sum_b, B2, times(sum_a, A2)),
            scaled(difference_b, B2 * B, scaled(difference_a, A2 * A, m[5])),
        ]
    }
}

/// A g, the transpose of [`results`].
#[inline(always)]
pub(super) unsafe fn result_gradients<V: Vector>(g: [V; 4]) -> [V; 6] {
    unsafe {
        let even_a = scaled(g[2], A2, g[0]);
        let odd_a = scaled(g[3], A2, g[1]);
        let even_b = scaled(g[2], B2, g[0]);
        let odd_b = scaled(g[3], B2, g[1]);
        [
            g[0],
            scaled(odd_a, A, even_a),
            scaled(odd_a, -A, even_a),
            scaled(odd_b, B, even_b),
            scaled(odd_b, -B, even_b),
            g[3],
        ]
    }
}

/// Gᵀ u, the transpose of [`weights`].
#[inline(always)]
pub(super) unsafe fn weight_gradients<V: Vector>(u: [V; 6]) -> [V; 3] {
    unsafe {
        let (sum_a, difference_a) = (u[1].add(u[2]), u[1].sub(u[2]));
        let (sum_b, difference_b) = (u[3].add(u[4]), u[3].sub(u[4]));
        [
            scaled(sum_b, GB, scaled(sum_a, GA, times(u[0], G0))),
            scaled(difference_b, GB * B, times(difference_a, GA * A)),
            scaled(sum_b, GB * B2, scaled(sum_a, GA * A2, u[5])),
        ]
    }
}

/// Applies a one-dimensional transform to the columns and then to the rows of a tile of vectors:
/// `two_dimensional!(TRANSFORM, IN, OUT, (r, c) => LOAD, (i, j, value) => STORE)`.
macro_rules! two_dimensional {
    (
        $transform:path, $in:expr, $out:expr,
        ($r:ident, $c:ident) => $load:expr,
        ($i:ident, $j:ident, $value:ident) => $store:expr
    ) => {{
        let zero = V::splat(V::Scalar::default());
        let mut rows = [[zero; $in]; $out];
        for $c in 0..$in {
            let mut column = [zero; $in];
            for $r in 0..$in {
                column[$r] = $load;
            }
            let column = $transform(column);
            for i in 0..$out {
                rows[i][$c] = column[i];
            }
        }
        for $i in 0..$out {
            let row = $transform(rows[$i]);
            for $j in 0..$out {
                let $value = row[$j];
                $store;
            }
        }
    }};
}
pub(super) use two_dimensional;
