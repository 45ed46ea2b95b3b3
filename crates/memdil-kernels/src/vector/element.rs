//! The numbers, the vectors of them, and the work that is compiled for several kinds of vectors.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Sub};

use super::instructions::Instructions;

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

/// Work to be compiled for several instruction sets.
///
/// `run` and everything it calls in its inner loops must be `#[inline(always)]`: that is what
/// compiles them with the instructions of the caller.
pub trait VectorKernel<T> {
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

pub(crate) mod private {
    use super::{Instructions, VectorKernel};

    /// Only `f32` and `f64` have it: it seals [`Element`](super::Element).
    pub trait Dispatch: Sized {
        /// Values in a row of a panel.
        fn panel_width(instructions: Instructions) -> usize;
        /// Runs a kernel with instructions that this processor has.
        fn dispatch<K: VectorKernel<Self>>(instructions: Instructions, kernel: K);
    }
}
