//! The copy of a batch into panels.

use rayon::prelude::*;

use crate::error::{KernelError, check_batch};
use crate::mlp::network::Mlp;
use crate::mlp::threads::tasks_per_thread;
use crate::vector::{Element, Vector, VectorKernel, width};

/// Panels per task: a row of them is long enough for the processor to prefetch it.
const GROUP: usize = 8;

impl<T: Element> Mlp<T> {
    /// Copies a batch into panels and returns its number of samples.
    pub(in crate::mlp) fn fill(&mut self, inputs: &[T]) -> Result<usize, KernelError> {
        self.ready = None;
        let size = self.architecture.inputs;
        check_batch(inputs, size)?;
        let samples = inputs.len() / size;
        self.input.set_rows(samples);
        let (stride, panel) = (self.input.stride(), self.input.width);
        let groups = self.input.values_mut().par_chunks_mut(GROUP * stride);
        // A copied value takes about as long as four multiplications.
        let least = tasks_per_thread(4 * inputs.len());
        groups
            .enumerate()
            .with_min_len(least)
            .for_each(|(group, panels)| {
                let columns = Columns {
                    inputs,
                    size,
                    first: group * GROUP * panel,
                    panels,
                    stride,
                };
                T::dispatch(self.instructions, columns);
            });
        Ok(samples)
    }
}

/// Columns of a batch from `first` on, and the panels that receive them.
struct Columns<'a, T> {
    inputs: &'a [T],
    size: usize,
    first: usize,
    panels: &'a mut [T],
    stride: usize,
}

impl<T: Element> VectorKernel<T> for Columns<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let width = width::<V>();
        for (i, row) in self.inputs.chunks_exact(self.size).enumerate() {
            let panels = self.panels.chunks_exact_mut(self.stride);
            for (panel, from) in panels.zip(row[self.first..].chunks(width)) {
                let to = &mut panel[i * width..][..width];
                if from.len() < width {
                    to[..from.len()].copy_from_slice(from);
                    continue;
                }
                // Two vectors; `copy_from_slice` would call a function for them.
                for v in [0, V::LANES] {
                    // SAFETY: both slices have `width` values, which is two vectors, and `dispatch`
                    // requires supported instructions.
                    unsafe { V::load(from[v..].as_ptr()).store(to[v..].as_mut_ptr()) }
                }
            }
        }
    }
}
