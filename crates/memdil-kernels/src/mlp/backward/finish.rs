//! The last use of the gradient of a layer's products: it updates the bias, and is transposed for
//! the gradient of the layer's input.

use crate::mlp::panel::{UnitPanel, bias_gradient};
use crate::tile::{Panels, stride, transpose};
use crate::update::{ApplyRule, ParameterPointers, StepRule, with_rule};
use crate::vector::{Element, Vector, VectorKernel, width};

/// Updates the bias by the gradient of the products, and transposes the gradient.
///
/// # Safety
///
/// The pointers must be valid for the panel's units and samples, and the processor must support the
/// vector's instructions.
#[inline(always)]
pub(super) unsafe fn finish_panel<V: Vector, R: ApplyRule<V>>(
    x: UnitPanel<V::Scalar>,
    bias: ParameterPointers<V::Scalar>,
    unit: usize,
    units: usize,
    transposed: *mut V::Scalar,
    rule: R,
) {
    let width = width::<V>();
    let left = width.min(units - unit);
    unsafe {
        for v in 0..2 {
            bias.update(unit + v * V::LANES, rule, bias_gradient::<V>(x, v));
        }
        transpose_panel::<V>(x, unit, left, units, transposed);
    }
}

/// Transposes columns `unit..unit + left` of a (samples, units) matrix, which form a panel, into a
/// (units, samples) matrix.
///
/// # Safety
///
/// As for [`finish_panel`].
#[inline(always)]
unsafe fn transpose_panel<V: Vector>(
    x: UnitPanel<V::Scalar>,
    unit: usize,
    left: usize,
    units: usize,
    transposed: *mut V::Scalar,
) {
    let width = width::<V>();
    for (q, sample) in (0..x.samples).step_by(width).enumerate() {
        let rows = width.min(x.samples - sample);
        unsafe {
            let to = transposed.add(q * stride::<V::Scalar>(units, width) + unit * width);
            transpose::<V>(x.start.add(sample * width), rows, to, left);
        }
    }
}

/// The gradient of the logits, which updates the classifier's bias and is transposed.
pub(super) struct LogitGradient<'a, T> {
    pub(super) gradient: &'a mut Panels<T>,
    pub(super) bias: ParameterPointers<T>,
    pub(super) transposed: *mut T,
    pub(super) rule: Option<StepRule<T>>,
}

impl<T: Element> VectorKernel<T> for LogitGradient<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let (samples, units, stride) = (
            self.gradient.rows,
            self.gradient.cols,
            self.gradient.stride(),
        );
        for (j, panel) in self
            .gradient
            .values_mut()
            .chunks_exact_mut(stride)
            .enumerate()
        {
            let (x, unit) = (
                UnitPanel {
                    start: panel.as_mut_ptr(),
                    samples,
                },
                j * width::<V>(),
            );
            // SAFETY: the transpose has room for all units and samples.
            unsafe {
                match self.rule {
                    Some(rule) => with_rule!(rule, known => {
                        finish_panel::<V, _>(x, self.bias, unit, units, self.transposed, known);
                    }),
                    None => {
                        transpose_panel::<V>(
                            x,
                            unit,
                            width::<V>().min(units - unit),
                            units,
                            self.transposed,
                        );
                    }
                }
            }
        }
    }
}
