//! The backward pass through the activation and normalisation of a block.

use super::finish::finish_panel;
use crate::mlp::architecture::{Activation, Norm};
use crate::mlp::panel::{
    BlockVectors, UnitPanel, activation_backward, batch_norm_backward, norm_gradient,
};
use crate::tile::{stride, transpose};
use crate::update::{ApplyRule, ParameterPointers, StepRule};
use crate::vector::{Vector, width};

/// Input units per task: a multiple of every panel width, and few enough for their weights to stay
/// in the L2 cache between the product and the update.
pub(super) const UNITS: usize = 32;

/// The block below a layer, as its backward pass uses it.
#[derive(Clone, Copy)]
pub(super) struct BlockGradient<T> {
    pub(super) units: usize,
    pub(super) normal: *mut T,
    pub(super) output: *mut T,
    /// Receives the gradient of the block's products, as (units, samples).
    pub(super) transposed: *mut T,
    pub(super) bias: ParameterPointers<T>,
    pub(super) scale: ParameterPointers<T>,
    pub(super) shift: ParameterPointers<T>,
    /// The vectors of the first panel.
    pub(super) vectors: BlockVectors<T>,
    pub(super) norm: Norm,
    pub(super) activation: Activation,
    pub(super) feature_decay: T,
    pub(super) rule: StepRule<T>,
}

/// Backpropagates through the activation and normalisation of the block below, for the panels of
/// units `first..first + units`, and updates the parameters of these units.
///
/// # Safety
///
/// The pointers must be valid for the units and samples, and the processor must support the
/// vector's instructions.
#[inline(always)]
pub(super) unsafe fn block_backward<V: Vector, R: ApplyRule<V>>(
    below: &BlockGradient<V::Scalar>,
    samples: usize,
    first: usize,
    units: usize,
    scratch: &mut [V::Scalar],
    rule: R,
) {
    let width = width::<V>();
    let padded = samples.next_multiple_of(width);
    for part in (0..units).step_by(width) {
        let (unit, left) = (first + part, width.min(units - part));
        // SAFETY: upheld by the caller, see `# Safety`; the scratch space ends with a panel of
        // `samples` rows.
        unsafe {
            let start = scratch.as_mut_ptr();
            let g = UnitPanel {
                start: start.add(UNITS * padded),
                samples,
            };
            for (q, sample) in (0..samples).step_by(width).enumerate() {
                let rows = width.min(samples - sample);
                transpose::<V>(
                    start.add((q * UNITS + part) * width),
                    left,
                    g.start.add(sample * width),
                    rows,
                );
            }
            let panel = unit / width * stride::<V::Scalar>(samples, width);
            let output = below.output.add(panel);
            activation_backward::<V>(g, output, below.activation, below.feature_decay);
            let x = UnitPanel {
                start: below.normal.add(panel),
                samples,
            };
            let vectors = below.vectors.offset(unit);
            for v in 0..2 {
                let at = unit + v * V::LANES;
                match below.norm {
                    Norm::Batch => {
                        let gradients = norm_gradient::<V>(g, x, v);
                        batch_norm_backward(g, x, vectors, v, gradients);
                        below.scale.update(at, rule, gradients[0]);
                        below.shift.update(at, rule, gradients[1]);
                    }
                    Norm::Layer => {
                        let gradients = norm_gradient::<V>(g, x, v);
                        let scale = V::load(below.scale.value.add(at));
                        for i in 0..samples {
                            let offset = i * width + v * V::LANES;
                            V::load(g.start.add(offset))
                                .mul(scale)
                                .store(output.add(offset));
                        }
                        below.scale.update(at, rule, gradients[0]);
                        below.shift.update(at, rule, gradients[1]);
                    }
                    Norm::None => {
                        for i in 0..samples {
                            let offset = i * width + v * V::LANES;
                            V::load(g.start.add(offset)).store(x.start.add(offset));
                        }
                    }
                }
            }
            if below.norm != Norm::Layer {
                finish_panel::<V, R>(x, below.bias, unit, below.units, below.transposed, rule);
            }
        }
    }
}
