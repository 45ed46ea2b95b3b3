//! Vectors of x86-64 processors: AVX2 with fused multiply-add, and AVX-512.

use std::arch::x86_64::*;

use super::element::Vector;

/// A method that is one intrinsic on registers.
macro_rules! instruction {
    ($name:ident, $instruction:expr $(, $other:ident)*) => {
        #[inline(always)]
        unsafe fn $name(self $(, $other: Self)*) -> Self {
            Self(unsafe { $instruction(self.0 $(, $other.0)*) })
        }
    };
}

macro_rules! vector {
    (
        $name:ident, $register:ty, $scalar:ty, $lanes:literal, $rows:literal,
        $splat:ident $load:ident $store:ident $add:ident $sub:ident $mul:ident $div:ident $sqrt:ident $max:ident
        $mul_add:ident, $positive:expr $(, $load_part:ident $store_part:ident)?
    ) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $name($register);

        // SAFETY: in every method, the caller ensures that the processor supports the instructions
        // and that the pointers are valid, as `Vector` requires.
        impl Vector for $name {
            type Scalar = $scalar;
            const LANES: usize = $lanes;
            const ROWS: usize = $rows;

            #[inline(always)]
            unsafe fn splat(value: $scalar) -> Self {
                Self(unsafe { $splat(value) })
            }
            #[inline(always)]
            unsafe fn load(from: *const $scalar) -> Self {
                Self(unsafe { $load(from) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $scalar) {
                unsafe { $store(to, self.0) }
            }
            $(
                #[inline(always)]
                unsafe fn load_part(from: *const $scalar, count: usize) -> Self {
                    Self(unsafe { $load_part((1 << count) - 1, from) })
                }
                #[inline(always)]
                unsafe fn store_part(self, to: *mut $scalar, count: usize) {
                    unsafe { $store_part(to, (1 << count) - 1, self.0) }
                }
            )?
            instruction!(add, $add, other);
            instruction!(sub, $sub, other);
            instruction!(mul, $mul, other);
            instruction!(div, $div, other);
            instruction!(sqrt, $sqrt);
            instruction!(max, $max, other);
            instruction!(where_positive, $positive, mask);
            instruction!(mul_add, $mul_add, factor, term);
        }
    };
}

vector!(
    Avx2F32, __m256, f32, 8, 6,
    _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_div_ps
    _mm256_sqrt_ps _mm256_max_ps _mm256_fmadd_ps,
    |v, mask| _mm256_and_ps(v, _mm256_cmp_ps::<_CMP_GT_OQ>(mask, _mm256_setzero_ps()))
);
vector!(
    Avx2F64, __m256d, f64, 4, 6,
    _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_sub_pd _mm256_mul_pd _mm256_div_pd
    _mm256_sqrt_pd _mm256_max_pd _mm256_fmadd_pd,
    |v, mask| _mm256_and_pd(v, _mm256_cmp_pd::<_CMP_GT_OQ>(mask, _mm256_setzero_pd()))
);
vector!(
    Avx512F32, __m512, f32, 16, 8,
    _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_div_ps
    _mm512_sqrt_ps _mm512_max_ps _mm512_fmadd_ps,
    |v, mask| _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(mask, _mm512_setzero_ps()), v),
    _mm512_maskz_loadu_ps _mm512_mask_storeu_ps
);
vector!(
    Avx512F64, __m512d, f64, 8, 8,
    _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_sub_pd _mm512_mul_pd _mm512_div_pd
    _mm512_sqrt_pd _mm512_max_pd _mm512_fmadd_pd,
    |v, mask| _mm512_maskz_mov_pd(_mm512_cmp_pd_mask::<_CMP_GT_OQ>(mask, _mm512_setzero_pd()), v),
    _mm512_maskz_loadu_pd _mm512_mask_storeu_pd
);
