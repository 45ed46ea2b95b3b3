//! The forward pass through all layers.

use rayon::prelude::*;

use super::products::{BlockPanels, Finish, Products};
use crate::mlp::architecture::{Activation, Norm};
use crate::mlp::network::{LinearParameters, Mlp, MlpBlock};
use crate::mlp::panel::BlockVectors;
use crate::mlp::threads::tasks_per_thread;
use crate::tile::Panels;
use crate::vector::{Element, Instructions};

/// Most panels of a layer per task: their products and a block of the inputs fit in the L2 cache.
const GROUP: usize = 8;

impl<T: Element> Mlp<T> {
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
        let serial = tasks_per_thread(work);
        let group = serial.max(self.normal.panels() / rayon::current_num_threads());
        let group = group.min(self.normal.panels()).min(GROUP);
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
