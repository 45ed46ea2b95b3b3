//! Layer normalisation, which runs after all units of a block are ready because its statistics are
//! taken over the units of a sample.

use rayon::prelude::*;

use crate::batch_norm::EPSILON;
use crate::mlp::architecture::Activation;
use crate::mlp::network::MlpBlock;
use crate::mlp::panel::{BlockVectors, UnitPanel, layer_norm};
use crate::mlp::threads::tasks_per_thread;
use crate::vector::{Element, Instructions, Vector, VectorKernel};

impl<T: Element> MlpBlock<T> {
    /// Computes mean and reciprocal standard deviation of each row of the products with bias.
    pub(super) fn row_statistics(&mut self) {
        let (panel, stride, units) = (self.normal.width, self.normal.stride(), self.normal.cols);
        let (values, bias) = (self.normal.values(), self.linear.bias.value.values());
        let n = T::from_f64(units as f64);
        // A value takes about as long as 64 multiplications of a product.
        let work = 64 * self.normal.rows * units;
        let statistics = (0..self.normal.rows)
            .into_par_iter()
            .with_min_len(tasks_per_thread(work).max(8))
            .map(|i| {
                let at = |j: usize| values[j / panel * stride + i * panel + j % panel] + bias[j];
                let sum = (0..units).fold(T::default(), |sum, j| sum + at(j));
                let mean = sum / n;
                let squares =
                    (0..units).fold(T::default(), |sum, j| sum + (at(j) - mean) * (at(j) - mean));
                let variance = (squares / n).to_f64();
                [mean, T::from_f64(1.0 / (variance + EPSILON).sqrt())]
            });
        statistics.collect_into_vec(&mut self.rows);
    }

    /// Normalises and activates the products by the statistics of their rows.
    pub(super) fn normalise_rows(&mut self, instructions: Instructions, activation: Activation) {
        let (stride, panel) = (self.normal.stride(), self.normal.width);
        let rows = &self.rows;
        // A vectorised value takes about as long as 16 multiplications.
        let least = tasks_per_thread(16 * self.normal.rows * self.normal.cols);
        let (normal, output) = (self.normal.values_mut(), self.output.values_mut());
        let all = (
            normal.par_chunks_exact_mut(stride),
            output.par_chunks_exact_mut(stride),
            self.linear.bias.value.values().par_chunks_exact(panel),
            self.scale.value.values().par_chunks_exact(panel),
            self.shift.value.values().par_chunks_exact(panel),
        );
        all.into_par_iter()
            .with_min_len(least)
            .for_each(|(normal, output, bias, scale, shift)| {
                T::dispatch(
                    instructions,
                    RowsPanel {
                        normal,
                        output,
                        bias,
                        scale,
                        shift,
                        rows,
                        activation,
                    },
                );
            });
    }
}

/// A panel of a layer-normalised block.
struct RowsPanel<'a, T> {
    normal: &'a mut [T],
    output: &'a mut [T],
    bias: &'a [T],
    scale: &'a [T],
    shift: &'a [T],
    rows: &'a [[T; 2]],
    activation: Activation,
}

impl<T: Element> VectorKernel<T> for RowsPanel<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let x = UnitPanel {
            start: self.normal.as_mut_ptr(),
            samples: self.rows.len(),
        };
        let none = std::ptr::null_mut();
        let vectors = BlockVectors {
            bias: self.bias.as_ptr(),
            scale: self.scale.as_ptr(),
            shift: self.shift.as_ptr(),
            running_mean: none,
            running_var: none,
            mean: none,
            variance: none,
        };
        // SAFETY: the panels have one row per entry of `rows`, `layer_norm` does not use the null
        // pointers, and `dispatch` requires supported instructions.
        unsafe {
            layer_norm::<V>(
                x,
                self.output.as_mut_ptr(),
                vectors,
                self.rows,
                self.activation,
            );
        }
    }
}
