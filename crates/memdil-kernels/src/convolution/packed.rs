//! The weights of a convolution in the order in which a product reads them.

use rayon::prelude::*;

use super::sizes::Convolution;
use crate::vector::Element;

/// Weights ordered by panel of columns, then by tap, then by channel to be summed over.
pub(super) struct PackedWeights<T> {
    pub(super) values: Vec<T>,
    /// Number of channels to be summed over.
    pub(super) depth: usize,
    /// Number of columns of the product.
    pub(super) columns: usize,
    pub(super) taps: usize,
}

impl<T: Element> PackedWeights<T> {
    /// The weights of the forward pass, from inputs to outputs.
    pub(super) fn forward(sizes: &Convolution, w: &[T], panel: usize) -> Self {
        let (depth, columns) = (sizes.inputs, sizes.outputs);
        Self::new(sizes, depth, columns, panel, |tap, k, first, to| {
            to.copy_from_slice(&w[(tap * depth + k) * columns + first..][..to.len()]);
        })
    }

    /// The weights of the gradient of the images, from outputs to inputs.
    pub(super) fn transposed(sizes: &Convolution, w: &[T], panel: usize) -> Self {
        let (depth, columns) = (sizes.outputs, sizes.inputs);
        Self::new(sizes, depth, columns, panel, |tap, k, first, to| {
            let from = &w[(tap * columns + first) * depth + k..];
            for (to, from) in to.iter_mut().zip(from.iter().step_by(depth)) {
                *to = *from;
            }
        })
    }

    /// Packs rows: `row(tap, k, first, to)` writes the columns that start at `first` to `to`.
    fn new(
        sizes: &Convolution,
        depth: usize,
        columns: usize,
        panel: usize,
        row: impl Fn(usize, usize, usize, &mut [T]) + Sync,
    ) -> Self {
        let taps = sizes.kernel * sizes.kernel;
        let mut values = vec![T::default(); columns.div_ceil(panel) * taps * depth * panel];
        values
            .par_chunks_mut(taps * depth * panel)
            .enumerate()
            .for_each(|(j, values)| {
                let part = panel.min(columns - j * panel);
                for (at, to) in values.chunks_exact_mut(panel).enumerate() {
                    row(at / depth, at % depth, j * panel, &mut to[..part]);
                }
            });
        Self {
            values,
            depth,
            columns,
            taps,
        }
    }
}
