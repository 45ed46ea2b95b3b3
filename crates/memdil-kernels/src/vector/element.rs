//! Traits for element types, for vectors of them, and for kernels that are compiled for several
//! vector types.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Sub};

use super::instructions::Instructions;

/// An element type of the kernels: `f32` or `f64`.
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
    /// Converts to `f64`, exactly.
    fn to_f64(self) -> f64;
    /// $e^x$.
    fn exp(self) -> Self;
    /// $\sqrt x$.
    fn sqrt(self) -> Self;
}

/// A computation that is compiled for several instruction sets.
///
/// `run` and every function called in its inner loops must be `#[inline(always)]`, so that they are
/// compiled with the instructions of the caller.
pub trait VectorKernel<T> {
    fn run<V: Vector<Scalar = T>>(self);
}

/// A vector register.
///
/// # Safety
///
/// Methods may be called only on a processor that supports the vector's instructions, and pointers
/// must be valid for `LANES` values, or for `count` values where there is such an argument.
pub trait Vector: Copy {
    type Scalar: Element;
    const LANES: usize;
    /// Rows of a register tile with two vectors per row, as many as fit in the registers.
    const ROWS: usize;

    unsafe fn splat(value: Self::Scalar) -> Self;
    unsafe fn load(from: *const Self::Scalar) -> Self;
    unsafe fn store(self, to: *mut Self::Scalar);
    /// Loads the first `count` lanes, or all lanes if `count` is larger; the others are 0.
    #[inline(always)]
    unsafe fn load_first(from: *const Self::Scalar, count: usize) -> Self {
        unsafe {
            if count >= Self::LANES {
                Self::load(from)
            } else {
                Self::load_part(from, count)
            }
        }
    }
    /// Stores the first `count` lanes, or all lanes if `count` is larger.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut Self::Scalar, count: usize) {
        unsafe {
            if count >= Self::LANES {
                self.store(to);
            } else {
                self.store_part(to, count);
            }
        }
    }
    /// [`load_first`](Self::load_first) of fewer lanes than all.
    #[inline(always)]
    unsafe fn load_part(from: *const Self::Scalar, count: usize) -> Self {
        unsafe {
            // A vector has at most 16 lanes.
            let mut values = [Self::Scalar::default(); 16];
            std::ptr::copy_nonoverlapping(from, values.as_mut_ptr(), count);
            Self::load(values.as_ptr())
        }
    }
    /// [`store_first`](Self::store_first) of fewer lanes than all.
    #[inline(always)]
    unsafe fn store_part(self, to: *mut Self::Scalar, count: usize) {
        unsafe {
            let mut values = [Self::Scalar::default(); 16];
            self.store(values.as_mut_ptr());
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, count);
        }
    }
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    unsafe fn sqrt(self) -> Self;
    /// The larger value of each lane; `other` if either is NaN.
    unsafe fn max(self, other: Self) -> Self;
    /// `self` in lanes with `mask > 0`, 0 in the others.
    unsafe fn where_positive(self, mask: Self) -> Self;
    /// `self * factor + term`, rounded once if the instruction set has a fused operation.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
}

/// Number of values in a row of a panel, which is two vectors.
pub(crate) const fn width<V: Vector>() -> usize {
    2 * V::LANES
}

pub(crate) mod private {
    use super::{Instructions, VectorKernel};

    /// Implemented only by `f32` and `f64`; seals [`Element`](super::Element).
    pub trait Dispatch: Sized {
        /// Number of values in a row of a panel.
        fn panel_width(instructions: Instructions) -> usize;
        /// Runs a kernel with instructions that this processor supports.
        fn dispatch<K: VectorKernel<Self>>(instructions: Instructions, kernel: K);
    }
}
