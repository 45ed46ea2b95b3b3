//! The backward pass through the weights of a layer, a few input units at a time.

use rayon::prelude::*;

use super::block::{BlockGradient, UNITS, block_backward};
use crate::mlp::threads::tasks_per_thread;
use crate::tile::{DEPTH, PanelProduct, TileSink, stride, transposed_product};
use crate::update::{ApplyRule, ParameterPointers, StepRule, with_rule};
use crate::vector::{Element, Instructions, Vector, VectorKernel, prefetch_values, width};

/// The backward pass through the weights of one layer and the block below it.
#[derive(Clone, Copy)]
pub(super) struct LayerGradient<T> {
    pub(super) samples: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: ParameterPointers<T>,
    /// `None` if the weights are fixed.
    pub(super) rule: Option<StepRule<T>>,
    /// The layer's input, (samples, inputs).
    pub(super) input: *const T,
    /// Gradient of the layer's products, (samples, outputs).
    pub(super) gradient: *const T,
    /// Transpose of `gradient`, (outputs, samples).
    pub(super) transposed: *const T,
    pub(super) below: Option<BlockGradient<T>>,
}

// SAFETY: tasks work on disjoint units, that is, on disjoint rows of the weights and their buffers
// and on disjoint panels of the block below.
unsafe impl<T: Send + Sync> Send for LayerGradient<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for LayerGradient<T> {}

impl<T: Element> LayerGradient<T> {
    /// Distributes the input units over the threads; each task uses `per_task` values of scratch
    /// space.
    pub(super) fn run(&self, instructions: Instructions, scratch: &mut [T], per_task: usize) {
        let tasks = self.inputs.div_ceil(UNITS);
        let work = self.samples * self.inputs * self.outputs;
        let scratch = scratch[..tasks * per_task].par_chunks_exact_mut(per_task);
        let tasks = scratch.enumerate().with_min_len(tasks_per_thread(work));
        tasks.for_each(|(task, scratch)| {
            let units = UnitsTask {
                layer: self,
                first: task * UNITS,
                scratch,
            };
            T::dispatch(instructions, units);
        });
    }
}

/// The part of a [`LayerGradient`] for the input units that start at `first`.
struct UnitsTask<'a, T> {
    layer: &'a LayerGradient<T>,
    first: usize,
    scratch: &'a mut [T],
}

impl<T: Element> VectorKernel<T> for UnitsTask<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let Self {
            layer,
            first,
            scratch,
        } = self;
        let units = UNITS.min(layer.inputs - first);
        // SAFETY: only this task works on units `first..first + units`, the pointers of a layer are
        // valid for its sizes, and `dispatch` requires supported instructions.
        unsafe {
            if layer.below.is_some() {
                input_gradient::<V>(layer, first, units, scratch);
            }
            if let Some(rule) = layer.rule {
                with_rule!(rule, known => update::<V, _>(layer, first, units, known));
            }
            if let Some(below) = &layer.below {
                with_rule!(below.rule, known => {
                    block_backward::<V, _>(below, layer.samples, first, units, scratch, known);
                });
            }
        }
    }
}

/// Writes the transposed gradient of the inputs to the scratch space, `UNITS` rows per panel of
/// samples.
///
/// # Safety
///
/// The pointers must be valid for the units, and the processor must support the vector's
/// instructions.
#[inline(always)]
unsafe fn input_gradient<V: Vector>(
    layer: &LayerGradient<V::Scalar>,
    first: usize,
    units: usize,
    scratch: &mut [V::Scalar],
) {
    let width = width::<V>();
    for k in (0..layer.outputs).step_by(DEPTH) {
        for (q, sample) in (0..layer.samples).step_by(width).enumerate() {
            unsafe {
                let product = PanelProduct {
                    a: layer
                        .weight
                        .value
                        .add(k / width * stride::<V::Scalar>(layer.inputs, width) + first * width),
                    a_stride: stride::<V::Scalar>(layer.inputs, width),
                    b: layer
                        .transposed
                        .add(q * stride::<V::Scalar>(layer.outputs, width) + k * width),
                    c: scratch.as_mut_ptr().add(q * UNITS * width),
                    rows: units,
                    depth: DEPTH.min(layer.outputs - k),
                    cols: layer.samples - sample,
                    add: k > 0,
                };
                product.run::<V>();
            }
        }
    }
}

/// Computes the gradient of the weights and updates them tile by tile.
///
/// # Safety
///
/// As for [`input_gradient`].
#[inline(always)]
unsafe fn update<V: Vector, R: ApplyRule<V>>(
    layer: &LayerGradient<V::Scalar>,
    first: usize,
    units: usize,
    rule: R,
) {
    let width = width::<V>();
    let of_samples = stride::<V::Scalar>(layer.samples, width);
    let of_weight = stride::<V::Scalar>(layer.inputs, width);
    let input = layer.input.wrapping_add(first / width * of_samples);
    let panels = layer.outputs.div_ceil(width);
    for p in 0..panels {
        let offset = p * of_weight + first * width;
        let last = p + 1 == panels;
        unsafe {
            let rows = UpdateRows {
                weight: layer.weight.offset(offset),
                next: if last {
                    (UNITS * width).wrapping_sub(p * of_weight)
                } else {
                    of_weight
                },
                next_input: input.wrapping_add(UNITS / width * of_samples),
                input_values: if last { layer.samples } else { 0 },
                rule,
            };
            let gradient = layer.gradient.add(p * of_samples);
            transposed_product::<V, _>(input, of_samples, gradient, units, layer.samples, rows);
        }
    }
}

/// Updates rows of a panel of the weights by their gradient.
#[derive(Clone, Copy)]
struct UpdateRows<T, R> {
    weight: ParameterPointers<T>,
    /// Offset of the rows that are updated next, which are prefetched: the same rows of the next
    /// panel or, after the last panel, the rows of the next task in the first panel.
    next: usize,
    /// The input of the next task, and the number of its values to prefetch per row.
    next_input: *const T,
    input_values: usize,
    rule: R,
}

impl<V: Vector, R: ApplyRule<V>> TileSink<V> for UpdateRows<V::Scalar, R> {
    #[inline(always)]
    unsafe fn prepare(self, row: usize) {
        let (next, values) = (self.next.wrapping_add(row * width::<V>()), width::<V>());
        prefetch_values(self.weight.value.wrapping_add(next), values);
        for buffer in self.weight.buffers.iter().take(R::BUFFERS) {
            prefetch_values(buffer.wrapping_add(next), values);
        }
        let input = self.next_input.wrapping_add(row * self.input_values);
        prefetch_values(input, self.input_values);
    }

    #[inline(always)]
    unsafe fn take(self, row: usize, sums: [V; 2]) {
        unsafe {
            self.weight.update(row * width::<V>(), self.rule, sums[0]);
            self.weight
                .update(row * width::<V>() + V::LANES, self.rule, sums[1]);
        }
    }
}
