//! Vectors for any processor.

use super::element::Vector;

/// Four values in an array, which the compiler may vectorise.
#[derive(Clone, Copy)]
pub(crate) struct Portable<T>([T; 4]);

/// An operation on every lane of two vectors.
macro_rules! lanewise {
    ($name:ident, $operator:tt) => {
        #[inline(always)]
        unsafe fn $name(self, other: Self) -> Self {
            let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
            Self([
                a $operator e,
                b $operator f,
                c $operator g,
                d $operator h,
            ])
        }
    };
}

macro_rules! portable {
    ($scalar:ty) => {
        impl Vector for Portable<$scalar> {
            type Scalar = $scalar;
            const LANES: usize = 4;
            const ROWS: usize = 6;

            #[inline(always)]
            unsafe fn splat(value: $scalar) -> Self {
                Self([value; 4])
            }
            #[inline(always)]
            unsafe fn load(from: *const $scalar) -> Self {
                // SAFETY: the pointer is valid for four values, as `Vector` requires.
                Self(unsafe { from.cast::<[$scalar; 4]>().read_unaligned() })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $scalar) {
                // SAFETY: the pointer is valid for four values, as `Vector` requires.
                unsafe { to.cast::<[$scalar; 4]>().write_unaligned(self.0) }
            }
            lanewise!(add, +);
            lanewise!(sub, -);
            lanewise!(mul, *);
            lanewise!(div, /);
            #[inline(always)]
            unsafe fn sqrt(self) -> Self {
                let [a, b, c, d] = self.0;
                Self([a.sqrt(), b.sqrt(), c.sqrt(), d.sqrt()])
            }
            #[inline(always)]
            unsafe fn max(self, other: Self) -> Self {
                let mut result = other.0;
                for lane in 0..4 {
                    if self.0[lane] > result[lane] {
                        result[lane] = self.0[lane];
                    }
                }
                Self(result)
            }
            #[inline(always)]
            unsafe fn where_positive(self, mask: Self) -> Self {
                let mut result = [0.0; 4];
                for lane in 0..4 {
                    if mask.0[lane] > 0.0 {
                        result[lane] = self.0[lane];
                    }
                }
                Self(result)
            }
            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
                // On other processors `mul_add` may be a slow library call, so round twice there.
                if cfg!(target_arch = "aarch64") {
                    let ([a, b, c, d], [e, f, g, h], [i, j, k, l]) = (self.0, factor.0, term.0);
                    Self([
                        a.mul_add(e, i),
                        b.mul_add(f, j),
                        c.mul_add(g, k),
                        d.mul_add(h, l),
                    ])
                } else {
                    // SAFETY: portable vectors need no special instructions.
                    unsafe { self.mul(factor).add(term) }
                }
            }
        }
    };
}
portable!(f32);
portable!(f64);
