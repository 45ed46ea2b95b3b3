//! Vectors of numbers as the processor has them, and the choice between them at run time.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Sub};

use crate::KernelError;
use crate::convolution::{Product, Task};
use crate::mlp::Mlp;
use crate::update::Step;

/// A type of number that the kernels compute with: `f32` or `f64`.
pub trait Element:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + private::Dispatch
    + 'static
{
    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The same number with more digits.
    fn to_f64(self) -> f64;
    /// $e^x$.
    fn exp(self) -> Self;
}

/// Which instructions compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// Those that every processor of the architecture has.
    Portable,
    /// AVX2 and fused multiply-add.
    Avx2,
    /// AVX-512.
    Avx512,
}

impl Instructions {
    /// The widest that this processor has.
    pub fn detect() -> Self {
        Self::available().last().copied().unwrap_or(Self::Portable)
    }

    /// All that this processor has, the widest last.
    pub fn available() -> Vec<Self> {
        let mut found = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                found.push(Self::Avx512);
            }
        }
        found
    }

    /// Refuses instructions that this processor does not have.
    pub(crate) fn check(self) -> Result<(), KernelError> {
        let name = if self == Self::Avx512 {
            "AVX-512"
        } else {
            "AVX2"
        };
        if Self::available().contains(&self) {
            Ok(())
        } else {
            Err(KernelError::Instructions(name))
        }
    }
}

/// Work to be compiled for several instruction sets.
///
/// `run` and everything it calls in its inner loops must be `#[inline(always)]`: that is what
/// compiles them with the instructions of the caller.
pub trait Kernel<T> {
    fn run<V: Vector<Scalar = T>>(self);
}

/// A vector register.
///
/// # Safety
///
/// Every method may be called only where the processor has the vector's instructions, and pointers
/// must be valid for `LANES` values.
pub trait Vector: Copy {
    type Scalar: Element;
    const LANES: usize;
    /// Rows of a register tile of two vectors a row: as many as the registers hold.
    const ROWS: usize;

    unsafe fn splat(value: Self::Scalar) -> Self;
    unsafe fn load(from: *const Self::Scalar) -> Self;
    unsafe fn store(self, to: *mut Self::Scalar);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    unsafe fn sqrt(self) -> Self;
    /// The larger one; `other` where either is not a number.
    unsafe fn max(self, other: Self) -> Self;
    /// `self` where `mask > 0`, 0 elsewhere.
    unsafe fn where_positive(self, mask: Self) -> Self;
    /// `self * factor + term`, rounded once.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
}

/// Values in a row of a panel: two vectors.
pub(crate) const fn width<V: Vector>() -> usize {
    2 * V::LANES
}

/// Asks for a cache line before it is needed.
#[inline(always)]
pub(crate) fn prefetch<T>(address: *const T) {
    // SAFETY: a prefetch has no effect that a program could see, whatever the address.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

pub(crate) mod private {
    use super::{Instructions, Kernel};
    use crate::convolution::{Product, Task};
    use crate::mlp::Mlp;
    use crate::update::Step;

    pub trait Dispatch: Sized {
        /// Values in a row of a panel.
        fn panel_width(instructions: Instructions) -> usize;
        /// Runs a kernel with instructions that this processor has.
        fn dispatch<K: Kernel<Self>>(instructions: Instructions, kernel: K);
        /// The same for the largest kernels: compiled once, here, not by every crate that calls
        /// them.
        fn gathered(instructions: Instructions, kernel: Product<'_, Self>);
        fn weight_gradient(instructions: Instructions, kernel: Task<'_, Self>);
        fn forward(network: &mut Mlp<Self>, training: bool);
        fn backward(network: &mut Mlp<Self>, gradient: &[Self], samples: usize, step: &Step);
    }
}

/// Four numbers, computed with one at a time as far as the compiler does not see better.
#[derive(Clone, Copy)]
pub(crate) struct Portable<T>([T; 4]);

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
                // SAFETY: the caller vouches for four values.
                Self(unsafe { from.cast::<[$scalar; 4]>().read_unaligned() })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $scalar) {
                // SAFETY: the caller vouches for four values.
                unsafe { to.cast::<[$scalar; 4]>().write_unaligned(self.0) }
            }
            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
                Self([a + e, b + f, c + g, d + h])
            }
            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
                Self([a - e, b - f, c - g, d - h])
            }
            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
                Self([a * e, b * f, c * g, d * h])
            }
            #[inline(always)]
            unsafe fn div(self, other: Self) -> Self {
                let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
                Self([a / e, b / f, c / g, d / h])
            }
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
                // Without the instruction, rounding once would be a slow library call.
                if cfg!(target_arch = "aarch64") {
                    let ([a, b, c, d], [e, f, g, h], [i, j, k, l]) = (self.0, factor.0, term.0);
                    Self([
                        a.mul_add(e, i),
                        b.mul_add(f, j),
                        c.mul_add(g, k),
                        d.mul_add(h, l),
                    ])
                } else {
                    // SAFETY: no instructions are asked for.
                    unsafe { self.mul(factor).add(term) }
                }
            }
        }
    };
}
portable!(f32);
portable!(f64);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    macro_rules! vector {
        (
            $name:ident, $register:ty, $scalar:ty, $lanes:literal, $rows:literal,
            $splat:ident $load:ident $store:ident $add:ident $sub:ident $mul:ident $div:ident $sqrt:ident $max:ident
            $mul_add:ident, $positive:expr
        ) => {
            #[derive(Clone, Copy)]
            pub(crate) struct $name($register);

            // SAFETY of all: the caller vouches for the instructions and for the pointers.
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
                #[inline(always)]
                unsafe fn add(self, other: Self) -> Self {
                    Self(unsafe { $add(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn sub(self, other: Self) -> Self {
                    Self(unsafe { $sub(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn mul(self, other: Self) -> Self {
                    Self(unsafe { $mul(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn div(self, other: Self) -> Self {
                    Self(unsafe { $div(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn sqrt(self) -> Self {
                    Self(unsafe { $sqrt(self.0) })
                }
                #[inline(always)]
                unsafe fn max(self, other: Self) -> Self {
                    Self(unsafe { $max(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn where_positive(self, mask: Self) -> Self {
                    Self(unsafe { $positive(self.0, mask.0) })
                }
                #[inline(always)]
                unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
                    Self(unsafe { $mul_add(self.0, factor.0, term.0) })
                }
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
        |v, mask| _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(mask, _mm512_setzero_ps()), v)
    );
    vector!(
        Avx512F64, __m512d, f64, 8, 8,
        _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_sub_pd _mm512_mul_pd _mm512_div_pd
        _mm512_sqrt_pd _mm512_max_pd _mm512_fmadd_pd,
        |v, mask| _mm512_maskz_mov_pd(_mm512_cmp_pd_mask::<_CMP_GT_OQ>(mask, _mm512_setzero_pd()), v)
    );
}

macro_rules! element {
    ($scalar:ty, $avx2:ident, $avx512:ident) => {
        impl Element for $scalar {
            fn from_f64(value: f64) -> Self {
                value as $scalar
            }
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn exp(self) -> Self {
                self.exp()
            }
        }

        impl private::Dispatch for $scalar {
            fn panel_width(instructions: Instructions) -> usize {
                match instructions {
                    Instructions::Portable => width::<Portable<$scalar>>(),
                    #[cfg(target_arch = "x86_64")]
                    Instructions::Avx2 => width::<x86::$avx2>(),
                    #[cfg(target_arch = "x86_64")]
                    Instructions::Avx512 => width::<x86::$avx512>(),
                    #[cfg(not(target_arch = "x86_64"))]
                    _ => width::<Portable<$scalar>>(),
                }
            }

            fn gathered(instructions: Instructions, kernel: Product<'_, Self>) {
                Self::dispatch(instructions, kernel);
            }

            fn weight_gradient(instructions: Instructions, kernel: Task<'_, Self>) {
                Self::dispatch(instructions, kernel);
            }

            fn forward(network: &mut Mlp<Self>, training: bool) {
                network.run(training);
            }

            fn backward(network: &mut Mlp<Self>, gradient: &[Self], samples: usize, step: &Step) {
                network.update(gradient, samples, step);
            }

            fn dispatch<K: Kernel<Self>>(instructions: Instructions, kernel: K) {
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx2,fma")]
                    fn avx2<K: Kernel<$scalar>>(kernel: K) {
                        kernel.run::<x86::$avx2>()
                    }
                    #[target_feature(enable = "avx512f,avx2,fma")]
                    fn avx512<K: Kernel<$scalar>>(kernel: K) {
                        kernel.run::<x86::$avx512>()
                    }
                    // SAFETY: constructors accept only instructions that this processor has.
                    match instructions {
                        Instructions::Portable => kernel.run::<Portable<$scalar>>(),
                        Instructions::Avx2 => unsafe { avx2(kernel) },
                        Instructions::Avx512 => unsafe { avx512(kernel) },
                    }
                }
                #[cfg(not(target_arch = "x86_64"))]
                {
                    let _ = instructions;
                    kernel.run::<Portable<$scalar>>()
                }
            }
        }
    };
}
element!(f32, Avx2F32, Avx512F32);
element!(f64, Avx2F64, Avx512F64);
