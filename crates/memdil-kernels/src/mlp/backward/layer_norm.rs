//! The backward pass of layer normalisation, which runs after all units are ready because it needs
//! means over the units of a sample.

use rayon::prelude::*;

use super::finish::finish_panel;
use crate::mlp::network::MlpBlock;
use crate::mlp::panel::UnitPanel;
use crate::mlp::threads::tasks_per_thread;
use crate::update::{ParameterPointers, StepRule, with_rule};
use crate::vector::{Element, Instructions, Vector, VectorKernel};

impl<T: Element> MlpBlock<T> {
    /// Replaces the normalised values $x$ by the gradient of the products,
    /// $\frac1\sigma (u - \bar u - x \overline{u x})$ with means over a row, where `output` holds
    /// $u = g \gamma$ of all units.
    pub(super) fn layer_norm_backward(
        &mut self,
        instructions: Instructions,
        transposed: *mut T,
        rule: StepRule<T>,
    ) {
        let (panel, stride, units) = (self.normal.width, self.normal.stride(), self.normal.cols);
        let (u, x) = (self.output.values(), self.normal.values());
        let n = T::from_f64(units as f64);
        // A value takes about as long as 64 multiplications of a product.
        let least = tasks_per_thread(64 * self.normal.rows * units);
        let means: Vec<[T; 2]> = (0..self.normal.rows)
            .into_par_iter()
            .with_min_len(least.max(8))
            .map(|i| {
                let at = |j: usize| j / panel * stride + i * panel + j % panel;
                let sum = (0..units).fold(T::default(), |sum, j| sum + u[at(j)]);
                let along = (0..units).fold(T::default(), |sum, j| sum + u[at(j)] * x[at(j)]);
                [sum / n, along / n]
            })
            .collect();
        let rows = &self.rows;
        let bias = Shared((self.linear.bias.pointers(), transposed));
        let panels = self.normal.values_mut().par_chunks_exact_mut(stride);
        panels
            .zip(self.output.values().par_chunks_exact(stride))
            .enumerate()
            .with_min_len(least)
            .for_each(|(j, (x, u))| {
                let (bias, transposed) = bias.get();
                let samples = x
                    .chunks_exact_mut(panel)
                    .zip(u.chunks_exact(panel))
                    .take(rows.len());
                for (i, (x, u)) in samples.enumerate() {
                    let ([mean, along], [_, inverse]) = (means[i], rows[i]);
                    // Columns beyond the last unit must stay zero.
                    for (x, &u) in x.iter_mut().zip(u).take(units - j * panel) {
                        *x = (u - mean - *x * along) * inverse;
                    }
                }
                let x = UnitPanel {
                    start: x.as_mut_ptr(),
                    samples: rows.len(),
                };
                T::dispatch(
                    instructions,
                    FinishPanel {
                        x,
                        bias,
                        unit: j * panel,
                        units,
                        transposed,
                        rule,
                    },
                );
            });
    }
}

/// Pointers shared by tasks that use disjoint parts of their targets.
#[derive(Clone, Copy)]
struct Shared<P>(P);

impl<P: Copy> Shared<P> {
    fn get(&self) -> P {
        self.0
    }
}

// SAFETY: each task uses only the part that belongs to its own panel.
unsafe impl<P> Sync for Shared<P> {}

/// [`finish_panel`] for a panel of the gradient of a block's products.
struct FinishPanel<T> {
    x: UnitPanel<T>,
    bias: ParameterPointers<T>,
    unit: usize,
    units: usize,
    transposed: *mut T,
    rule: StepRule<T>,
}

impl<T: Element> VectorKernel<T> for FinishPanel<T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let (x, unit, units) = (self.x, self.unit, self.units);
        // SAFETY: the panel and the vectors have `units` columns, and the transpose has room for
        // them.
        unsafe {
            with_rule!(self.rule, known => {
                finish_panel::<V, _>(x, self.bias, unit, units, self.transposed, known);
            });
        }
    }
}
