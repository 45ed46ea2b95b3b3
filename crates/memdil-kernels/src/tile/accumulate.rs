//! The innermost loop of a product, which keeps a tile of the result in registers.

#![allow(
    clippy::needless_range_loop,
    reason = "indices into register tiles, which iterators keep out of registers"
)]

use crate::vector::{Vector, width};

/// The memory layout of the left factor of a product: within a panel, `a(i, k)` is at
/// `start + i * row + k * step`.
#[derive(Clone, Copy)]
pub(super) struct Left<T> {
    pub(super) start: *const T,
    pub(super) row: usize,
    pub(super) step: usize,
}

/// Adds `sum over k < len of a(i, k) b(k, ·)` to a tile of `M` rows and `N` vectors. The rows of
/// `b` are `width` values apart.
///
/// # Safety
///
/// The pointers must be valid for all values of the sum, and the processor must support the
/// vector's instructions.
#[inline(always)]
pub(super) unsafe fn accumulate<V: Vector, const M: usize, const N: usize>(
    tile: &mut [[V; N]; M],
    len: usize,
    a: Left<V::Scalar>,
    b: *const V::Scalar,
) {
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
