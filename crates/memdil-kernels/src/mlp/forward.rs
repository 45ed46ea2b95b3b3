//! From a batch to logits.

use rayon::prelude::*;

use super::{Block, Linear, Mlp};
use crate::block::{EPSILON, Panel, Vectors, affine, batch_norm, layer_norm};
use crate::panels::Panels;
use crate::tile::{DEPTH, Product};
use crate::vector::{Kernel, Vector, width};
use crate::{Activation, Element, Instructions, KernelError, Norm};

/// Multiplications below which a layer is not worth handing to other threads.
pub(super) const SMALL: usize = 1 << 19;
/// Panels of a layer in a task: as many products as the second-level cache holds beside a block of
/// the inputs.
const GROUP: usize = 8;

impl<T: Element> Mlp<T> {
    /// Logits of a batch in training, normalised by its own statistics. What [`Mlp::tensors`] lists
    /// changes in
    /// [`Mlp::backward`] only.
    ///
    /// # Shapes
    ///
    /// `inputs` (n, inputs) row-major, at least two samples with batch normalisation; result (n,
    /// classes) row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`], [`KernelError::BatchOfOne`].
    pub fn forward(&mut self, inputs: &[T]) -> Result<Vec<T>, KernelError> {
        let samples = self.fill(inputs)?;
        if samples < 2 && self.architecture.norm == Norm::Batch {
            return Err(KernelError::BatchOfOne);
        }
        T::forward(self, true);
        self.ready = Some(samples);
        Ok(self.logits.to_rows())
    }

    /// Features and logits of samples, normalised by the running statistics.
    ///
    /// # Shapes
    ///
    /// `inputs` (n, inputs), results (n, features) and (n, classes), all row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`].
    pub fn evaluate(&mut self, inputs: &[T]) -> Result<(Vec<T>, Vec<T>), KernelError> {
        self.fill(inputs)?;
        T::forward(self, false);
        let features = self
            .blocks
            .last()
            .map(|block| block.output.to_rows())
            .unwrap_or_default();
        Ok((features, self.logits.to_rows()))
    }

    /// What the decay of the features adds to the loss of the last [`Mlp::forward`]:
    /// $\frac{\lambda_h}{2n} \sum_i \lVert h_i \rVert^2$.
    pub fn feature_penalty(&self, feature_decay: f64) -> f64 {
        match self.blocks.last() {
            Some(block) if feature_decay > 0.0 => {
                let squares: f64 = block
                    .output
                    .to_rows()
                    .into_iter()
                    .map(|h| h.to_f64() * h.to_f64())
                    .sum();
                feature_decay / (2.0 * block.output.rows as f64) * squares
            }
            _ => 0.0,
        }
    }

    fn fill(&mut self, inputs: &[T]) -> Result<usize, KernelError> {
        self.ready = None;
        let size = self.architecture.inputs;
        if inputs.is_empty() || !inputs.len().is_multiple_of(size) {
            return Err(KernelError::Batch {
                found: inputs.len(),
                inputs: size,
            });
        }
        let samples = inputs.len() / size;
        self.input.set_rows(samples);
        let (stride, panel) = (self.input.stride(), self.input.width);
        let fill = |(j, panel_values): (usize, &mut [T])| {
            let columns = j * panel..size.min((j + 1) * panel);
            for (to, from) in panel_values
                .chunks_exact_mut(panel)
                .zip(inputs.chunks_exact(size))
            {
                to[..columns.len()].copy_from_slice(&from[columns.clone()]);
            }
        };
        if inputs.len() < SMALL / 4 {
            self.input
                .values_mut()
                .chunks_exact_mut(stride)
                .enumerate()
                .for_each(fill);
        } else {
            self.input
                .values_mut()
                .par_chunks_exact_mut(stride)
                .enumerate()
                .with_min_len(8)
                .for_each(fill);
        }
        Ok(samples)
    }

    pub(crate) fn run(&mut self, training: bool) {
        let (instructions, samples) = (self.instructions, self.input.rows);
        let (norm, activation) = (self.architecture.norm, self.architecture.activation);
        let mut input = &self.input;
        for block in &mut self.blocks {
            block.normal.set_rows(samples);
            block.output.set_rows(samples);
            let finish = match norm {
                Norm::Batch if training => Finish::BatchNorm,
                Norm::Batch | Norm::None => Finish::Affine,
                Norm::Layer => Finish::Nothing,
            };
            block.run(input, instructions, finish, norm, activation);
            if norm == Norm::Layer {
                block.row_statistics();
                block.normalise_rows(instructions, activation);
            }
            input = &block.output;
        }
        self.logits.set_rows(samples);
        let Linear { weight, bias } = &self.classifier;
        let products = Products {
            input,
            weight: &weight.value,
            first: 0,
            out: self.logits.values_mut(),
        };
        T::dispatch(instructions, products);
        let (stride, panel) = (self.logits.stride(), self.logits.width);
        for (logits, bias) in self
            .logits
            .values_mut()
            .chunks_exact_mut(stride)
            .zip(bias.value.values().chunks(panel))
        {
            for row in logits.chunks_exact_mut(panel).take(samples) {
                for (logit, &bias) in row.iter_mut().zip(bias) {
                    *logit = *logit + bias;
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Finish {
    BatchNorm,
    Affine,
    Nothing,
}

impl<T: Element> Block<T> {
    fn run(
        &mut self,
        input: &Panels<T>,
        instructions: Instructions,
        finish: Finish,
        norm: Norm,
        activation: Activation,
    ) {
        let work = self.normal.rows * self.linear.weight.value.rows * self.normal.cols;
        let weight = &self.linear.weight.value;
        let group = if work < SMALL {
            usize::MAX
        } else {
            self.normal.panels() / rayon::current_num_threads()
        };
        let group = group.clamp(1, self.normal.panels().min(GROUP));
        let (stride, panel) = (group * self.normal.stride(), group * self.normal.width);
        let (bias, scale, shift) = (
            self.linear.bias.value.values().par_chunks(panel),
            self.scale.value.values().par_chunks(panel),
            self.shift.value.values().par_chunks(panel),
        );
        let running = (
            self.running_mean.values_mut().par_chunks_mut(panel),
            self.running_var.values_mut().par_chunks_mut(panel),
        );
        let batch = (
            self.mean.values_mut().par_chunks_mut(panel),
            self.variance.values_mut().par_chunks_mut(panel),
        );
        let panels = (
            self.normal.values_mut().par_chunks_mut(stride),
            self.output.values_mut().par_chunks_mut(stride),
        );
        let all = (
            panels.0, panels.1, bias, scale, shift, running.0, running.1, batch.0, batch.1,
        );
        let serial = if work < SMALL { usize::MAX } else { 1 };
        all.into_par_iter().enumerate().with_min_len(serial).for_each(|(index, parts)| {
            let (normal, output, bias, scale, shift, running_mean, running_var, mean, variance) = parts;
            let vectors = Vectors {
                bias: bias.as_ptr(),
                scale: scale.as_ptr(),
                shift: shift.as_ptr(),
                running_mean: running_mean.as_mut_ptr(),
                running_var: running_var.as_mut_ptr(),
                mean: mean.as_mut_ptr(),
                variance: variance.as_mut_ptr(),
            };
            let products = Products { input, weight, first: index * group, out: normal };
            T::dispatch(instructions, BlockPanels { products, output, vectors, finish, norm, activation });
        });
    }

    /// Mean and 1 over the deviation of every row of products and bias.
    fn row_statistics(&mut self) {
        let (panel, stride, units) = (self.normal.width, self.normal.stride(), self.normal.cols);
        let (values, bias) = (self.normal.values(), self.linear.bias.value.values());
        let n = T::from_f64(units as f64);
        let statistics = (0..self.normal.rows)
            .into_par_iter()
            .with_min_len(8)
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

    fn normalise_rows(&mut self, instructions: Instructions, activation: Activation) {
        let (stride, panel) = (self.normal.stride(), self.normal.width);
        let rows = &self.rows;
        let (normal, output) = (self.normal.values_mut(), self.output.values_mut());
        let all = (
            normal.par_chunks_exact_mut(stride),
            output.par_chunks_exact_mut(stride),
            self.linear.bias.value.values().par_chunks_exact(panel),
            self.scale.value.values().par_chunks_exact(panel),
            self.shift.value.values().par_chunks_exact(panel),
        );
        all.into_par_iter()
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

/// Some panels of a layer's products, from panel `first` on.
struct Products<'a, T> {
    input: &'a Panels<T>,
    weight: &'a Panels<T>,
    first: usize,
    out: &'a mut [T],
}

impl<T: Element> Kernel<T> for Products<'_, T> {
    /// A block of the inputs is used for all panels before the next one is read.
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let Self {
            input,
            weight,
            first,
            out,
        } = self;
        for k in (0..weight.rows).step_by(DEPTH) {
            for (j, out) in (first..).zip(out.chunks_exact_mut(input.stride())) {
                let product = Product {
                    a: input.values()[k / width::<V>() * input.stride()..].as_ptr(),
                    a_stride: input.stride(),
                    b: weight.values()[j * weight.stride() + k * width::<V>()..].as_ptr(),
                    c: out.as_mut_ptr(),
                    rows: input.rows,
                    depth: DEPTH.min(weight.rows - k),
                    cols: weight.cols - j * width::<V>(),
                    add: k > 0,
                };
                // SAFETY: input and `out` have as many rows; the weights have a row for every
                // column of the input.
                unsafe {
                    product.run::<V>();
                }
            }
        }
    }
}

/// Some panels of a block: products, normalisation, activation.
struct BlockPanels<'a, T> {
    products: Products<'a, T>,
    output: &'a mut [T],
    /// Of the first panel.
    vectors: Vectors<T>,
    finish: Finish,
    norm: Norm,
    activation: Activation,
}

impl<T: Element> Kernel<T> for BlockPanels<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let Self {
            products,
            output,
            vectors,
            finish,
            norm,
            activation,
        } = self;
        let Products {
            input,
            weight,
            first,
            out,
        } = products;
        Products {
            input,
            weight,
            first,
            out: &mut *out,
        }
        .run::<V>();
        let stride = input.stride();
        for (j, (x, h)) in out
            .chunks_exact_mut(stride)
            .zip(output.chunks_exact_mut(stride))
            .enumerate()
        {
            let x = Panel {
                start: x.as_mut_ptr(),
                samples: input.rows,
            };
            let (h, offset) = (h.as_mut_ptr(), j * width::<V>());
            // SAFETY: both panels have as many rows, and there is a row of the vectors for every
            // panel.
            unsafe {
                let vectors = vectors.offset(offset);
                match finish {
                    Finish::BatchNorm => batch_norm::<V>(x, h, vectors, activation),
                    Finish::Affine => affine::<V>(x, h, vectors, norm, activation),
                    Finish::Nothing => (),
                }
            }
        }
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

impl<T: Element> Kernel<T> for RowsPanel<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Scalar = T>>(self) {
        let x = Panel {
            start: self.normal.as_mut_ptr(),
            samples: self.rows.len(),
        };
        let none = std::ptr::null_mut();
        let vectors = Vectors {
            bias: self.bias.as_ptr(),
            scale: self.scale.as_ptr(),
            shift: self.shift.as_ptr(),
            running_mean: none,
            running_var: none,
            mean: none,
            variance: none,
        };
        // SAFETY: the panels have as many rows as there are statistics; what is null is not used
        // here.
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
