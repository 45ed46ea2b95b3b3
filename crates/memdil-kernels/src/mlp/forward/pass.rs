//! The forward pass through all layers.

use rayon::prelude::*;

use super::products::{BlockPanels, Finish, Products, SMALL};
use crate::error::{KernelError, check_batch};
use crate::mlp::architecture::{Activation, Norm};
use crate::mlp::network::{LinearParameters, Mlp, MlpBlock};
use crate::mlp::panel::BlockVectors;
use crate::tile::Panels;
use crate::vector::{Element, Instructions};

/// Most panels of a layer per task: their products and a block of the inputs fit in the L2 cache.
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

    /// Computes all layers, from the panels of the batch to the logits.
    pub(in crate::mlp) fn run_forward(&mut self, training: bool) {
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
        let LinearParameters { weight, bias } = &self.classifier;
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

impl<T: Element> MlpBlock<T> {
    /// Computes products, normalisation and activation, with panels distributed over threads.
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
        let all = (
            self.normal.values_mut().par_chunks_mut(stride),
            self.output.values_mut().par_chunks_mut(stride),
            self.linear.bias.value.values().par_chunks(panel),
            self.scale.value.values().par_chunks(panel),
            self.shift.value.values().par_chunks(panel),
            self.running_mean.values_mut().par_chunks_mut(panel),
            self.running_var.values_mut().par_chunks_mut(panel),
            self.mean.values_mut().par_chunks_mut(panel),
            self.variance.values_mut().par_chunks_mut(panel),
        );
        let serial = if work < SMALL { usize::MAX } else { 1 };
        let groups = all.into_par_iter().enumerate().with_min_len(serial);
        groups.for_each(|(index, parts)| {
            let (out, output, bias, scale, shift, running_mean, running_var, mean, variance) =
                parts;
            let first = index * group;
            let task = BlockPanels {
                products: Products {
                    input,
                    weight,
                    first,
                    out,
                },
                output,
                vectors: BlockVectors {
                    bias: bias.as_ptr(),
                    scale: scale.as_ptr(),
                    shift: shift.as_ptr(),
                    running_mean: running_mean.as_mut_ptr(),
                    running_var: running_var.as_mut_ptr(),
                    mean: mean.as_mut_ptr(),
                    variance: variance.as_mut_ptr(),
                },
                finish,
                norm,
                activation,
            };
            T::dispatch(instructions, task);
        });
    }
}
