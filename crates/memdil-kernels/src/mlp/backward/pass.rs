//! The backward pass through all layers.

use super::block::{BlockGradient, UNITS};
use super::finish::LogitGradient;
use super::layer::LayerGradient;
use crate::mlp::architecture::{Architecture, Norm};
use crate::mlp::network::{Mlp, MlpBlock};
use crate::mlp::panel::BlockVectors;
use crate::optimizer::Step;
use crate::update::StepRule;
use crate::vector::Element;

impl<T: Element> Mlp<T> {
    /// Updates every parameter, from the classifier to the first block.
    pub(in crate::mlp) fn run_backward(&mut self, gradient: &[T], samples: usize, step: &Step) {
        self.steps += 1;
        let rule = |decay| StepRule::new(self.optimizer, step.learning_rate, decay, self.steps);
        let (block_rule, classifier_rule) = (rule(step.decay), rule(step.classifier_decay));
        let classifier_rule = (!self.architecture.fixed_classifier).then_some(classifier_rule);
        let per_task = self.reserve(samples);

        self.logits.set(gradient);
        let [mut of_layer, mut of_below] = self.transposed.each_mut().map(|t| t.as_mut_ptr());
        let logits = LogitGradient {
            gradient: &mut self.logits,
            bias: self.classifier.bias.pointers(),
            transposed: of_layer,
            rule: classifier_rule,
        };
        T::dispatch(self.instructions, logits);

        let depth = self.blocks.len();
        for layer in (0..=depth).rev() {
            let (rule, feature_decay) = if layer == depth {
                (classifier_rule, step.feature_decay / samples as f64)
            } else {
                (Some(block_rule), 0.0)
            };
            let (below, from) = self.blocks.split_at_mut(layer);
            let (weight, gradient) = match from.first_mut() {
                Some(block) => (&mut block.linear.weight, &block.normal),
                None => (&mut self.classifier.weight, &self.logits),
            };
            let mut below = below.last_mut();
            let input = below.as_ref().map_or(&self.input, |block| &block.output);
            let mut pass = LayerGradient {
                samples,
                inputs: input.cols,
                outputs: gradient.cols,
                weight: weight.pointers(),
                rule,
                input: input.values().as_ptr(),
                gradient: gradient.values().as_ptr(),
                transposed: of_layer,
                below: None,
            };
            if let Some(block) = &mut below {
                let feature_decay = T::from_f64(feature_decay);
                let gradient =
                    block.gradient(&self.architecture, of_below, feature_decay, block_rule);
                pass.below = Some(gradient);
            }
            pass.run(self.instructions, &mut self.scratch, per_task);
            if let (Some(block), Norm::Layer) = (below, self.architecture.norm) {
                block.layer_norm_backward(self.instructions, of_below, block_rule);
            }
            std::mem::swap(&mut of_layer, &mut of_below);
        }
    }

    /// Allocates the transposed gradients and the scratch space of all tasks. Returns the number of
    /// scratch values per task.
    fn reserve(&mut self, samples: usize) -> usize {
        let panel = self.logits.width;
        let padded = samples.next_multiple_of(panel);
        let widest = self.blocks.iter().map(|block| block.output.cols).max();
        let widest = widest.unwrap_or(0);
        let units = widest.max(self.architecture.classes);
        for transposed in &mut self.transposed {
            // `stride` may add 8 rows of padding to a panel.
            transposed.resize((units + 8) * padded, T::default());
        }
        let per_task = UNITS * padded + samples * panel;
        let tasks = widest.max(self.architecture.inputs).div_ceil(UNITS);
        self.scratch.resize(per_task * tasks, T::default());
        per_task
    }
}

impl<T: Element> MlpBlock<T> {
    /// The pointers that the backward pass of the layer above needs of this block.
    fn gradient(
        &mut self,
        architecture: &Architecture,
        transposed: *mut T,
        feature_decay: T,
        rule: StepRule<T>,
    ) -> BlockGradient<T> {
        let [bias, scale, shift] =
            [&mut self.linear.bias, &mut self.scale, &mut self.shift].map(|p| p.pointers());
        BlockGradient {
            units: self.output.cols,
            normal: self.normal.values_mut().as_mut_ptr(),
            output: self.output.values_mut().as_mut_ptr(),
            transposed,
            bias,
            scale,
            shift,
            vectors: BlockVectors {
                bias: bias.value,
                scale: scale.value,
                shift: shift.value,
                running_mean: self.running_mean.values_mut().as_mut_ptr(),
                running_var: self.running_var.values_mut().as_mut_ptr(),
                mean: self.mean.values_mut().as_mut_ptr(),
                variance: self.variance.values_mut().as_mut_ptr(),
            },
            norm: architecture.norm,
            activation: architecture.activation,
            feature_decay,
            rule,
        }
    }
}
