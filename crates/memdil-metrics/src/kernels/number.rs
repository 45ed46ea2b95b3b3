//! The arithmetic of the inner loops.

use std::fmt::Debug;
use std::ops::{Add, Mul, Sub};

/// A floating-point number.
pub trait Number:
    Copy
    + Debug
    + Default
    + Into<f64>
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
{
    const ZERO: Self;
    /// Distance from 1 to the next larger number.
    const EPSILON: f64;
    fn from_f64(value: f64) -> Self;
    fn mul_add(self, factor: Self, summand: Self) -> Self;
}

macro_rules! number {
    ($type:ident) => {
        impl Number for $type {
            const ZERO: Self = 0.0;
            const EPSILON: f64 = $type::EPSILON as f64;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $type
            }

            #[inline(always)]
            fn mul_add(self, factor: Self, summand: Self) -> Self {
                $type::mul_add(self, factor, summand)
            }
        }
    };
}
number!(f32);
number!(f64);
