//! Pointers to a panel of units: their values for every sample, and their vectors.

use crate::batch_norm::EPSILON;
use crate::vector::{Element, Vector, width};

/// Pointers to a panel of a block's vectors, one row of `width` values each.
#[derive(Clone, Copy)]
pub(in crate::mlp) struct BlockVectors<T> {
    pub(in crate::mlp) bias: *const T,
    pub(in crate::mlp) scale: *const T,
    pub(in crate::mlp) shift: *const T,
    pub(in crate::mlp) running_mean: *mut T,
    pub(in crate::mlp) running_var: *mut T,
    /// Mean of the batch without the bias, kept for the backward pass with the biased `variance`.
    pub(in crate::mlp) mean: *mut T,
    pub(in crate::mlp) variance: *mut T,
}

impl<T> BlockVectors<T> {
    /// The vectors of another panel.
    ///
    /// # Safety
    ///
    /// Every pointer must be valid for more than `offset` values.
    #[inline(always)]
    pub(in crate::mlp) unsafe fn offset(self, offset: usize) -> Self {
        unsafe {
            Self {
                bias: self.bias.add(offset),
                scale: self.scale.add(offset),
                shift: self.shift.add(offset),
                running_mean: self.running_mean.add(offset),
                running_var: self.running_var.add(offset),
                mean: self.mean.add(offset),
                variance: self.variance.add(offset),
            }
        }
    }
}

/// A pointer to a panel of `samples` rows.
#[derive(Clone, Copy)]
pub(in crate::mlp) struct UnitPanel<T> {
    pub(in crate::mlp) start: *mut T,
    pub(in crate::mlp) samples: usize,
}

impl<T: Element> UnitPanel<T> {
    /// The address of vector `v` of row `i`.
    ///
    /// # Safety
    ///
    /// The row must be within the panel.
    #[inline(always)]
    pub(in crate::mlp) unsafe fn at<V: Vector<Scalar = T>>(self, i: usize, v: usize) -> *mut T {
        unsafe { self.start.add(i * width::<V>() + v * V::LANES) }
    }

    /// The sum of a function over all rows, in four independent chains to hide the latency of an
    /// addition.
    ///
    /// # Safety
    ///
    /// The processor must support the vector's instructions.
    #[inline(always)]
    pub(in crate::mlp) unsafe fn sum<V: Vector<Scalar = T>>(self, f: impl Fn(usize) -> V) -> V {
        unsafe {
            let zero = V::splat(T::default());
            let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
            let whole = self.samples / 4 * 4;
            let mut i = 0;
            while i < whole {
                a = a.add(f(i));
                b = b.add(f(i + 1));
                c = c.add(f(i + 2));
                d = d.add(f(i + 3));
                i += 4;
            }
            while i < self.samples {
                a = a.add(f(i));
                i += 1;
            }
            a.add(b).add(c.add(d))
        }
    }
}

/// The reciprocal of the standard deviation.
///
/// # Safety
///
/// The processor must support the vector's instructions.
#[inline(always)]
pub(in crate::mlp) unsafe fn inverse_deviation<V: Vector>(variance: V) -> V {
    unsafe {
        let moved = variance.add(V::splat(V::Scalar::from_f64(EPSILON)));
        V::splat(V::Scalar::from_f64(1.0)).div(moved.sqrt())
    }
}
