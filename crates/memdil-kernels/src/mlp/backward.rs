//! From the gradient of the logits to changed parameters: backpropagation with the update fused in.
//!
//! A layer l of a batch is X_l = H_(l-1) W_l + b_l, H_l = f(X_l), with a sample per row and f the
//! normalisation and activation of a block. With G_l the gradient of the loss by X_l:
//!
//! ```text
//! dW_l    = H_(l-1)^T G_l               the gradient of the weights
//! db_l    = sum over samples of G_l     of the bias
//! dH_(l-1) = G_l W_l^T                  of the layer's input
//! G_(l-1) = f'(X_(l-1)) dH_(l-1)        of the products of the block below
//! ```
//!
//! Row j of W_l belongs to input unit j alone, as do column j of dH_(l-1) and of all that is below
//! up to X_(l-1). So a task takes some input units from the top of this list to its end:
//!
//! ```text
//!              outputs                        1. dH^T = W G^T for its rows, before they change
//!            +---------+                      2. dW = H^T G, each tile straight into the update
//!  its rows  | W, v, m |   weights, buffers      of W and its buffers: never stored
//!            +---------+                      3. G of the block below for its units, with the
//!                                                updates of scale, shift and bias
//! ```
//!
//! The weights are read from memory once, stay in the second-level cache between 1 and 2, and are
//! written once. Products 1 and 2 need G_l in both orders, so that G is kept transposed as well.
//! Layer normalisation is the exception: its f' needs sums over all units of a sample, so that step
//! 3 ends for all units after the last task.

use super::architecture::{Architecture, Norm};
use super::block_gradient::{BlockGradient, UNITS};
use super::finish_gradient::LogitGradient;
use super::layer_gradient::LayerGradient;
use super::network::{Mlp, MlpBlock};
use super::panel::BlockVectors;
use crate::optimizer::Step;
use crate::update::StepRule;
use crate::vector::Element;

impl<T: Element> Mlp<T> {
    /// Updates every parameter, from the classifier down.
    pub(super) fn run_backward(&mut self, gradient: &[T], samples: usize, step: &Step) {
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

    /// Makes room for transposed gradients and for the scratch space of every task; the values of a
    /// task's.
    fn reserve(&mut self, samples: usize) -> usize {
        let panel = self.logits.width;
        let padded = samples.next_multiple_of(panel);
        let widest = self.blocks.iter().map(|block| block.output.cols).max();
        let widest = widest.unwrap_or(0);
        let units = widest.max(self.architecture.classes);
        for transposed in &mut self.transposed {
            // A panel of fewer units may have more space behind it.
            transposed.resize((units + 8) * padded, T::default());
        }
        let per_task = UNITS * padded + samples * panel;
        let tasks = widest.max(self.architecture.inputs).div_ceil(UNITS);
        self.scratch.resize(per_task * tasks, T::default());
        per_task
    }
}

impl<T: Element> MlpBlock<T> {
    /// What the layer above does with this block.
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
