//! The passes of a training step, and evaluation.

use super::architecture::Norm;
use super::compiled::MlpElement;
use super::network::Mlp;
use crate::error::{KernelError, check_length};
use crate::optimizer::Step;

impl<T: MlpElement> Mlp<T> {
    /// Logits of a training batch, normalised by the statistics of the batch. The tensors that
    /// [`Mlp::tensors`] lists change only in [`Mlp::backward`].
    ///
    /// # Shapes
    ///
    /// `inputs` (n, inputs) row-major, with n >= 2 for batch normalisation; result (n, classes)
    /// row-major.
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

    /// The outputs of all blocks, after the activation, for the samples of the last
    /// [`Mlp::evaluate`], which computes them anyway. The last one is the features.
    ///
    /// # Shapes
    ///
    /// One (n, units of the block) per block, row-major; empty before the first evaluation.
    pub fn block_outputs(&self) -> Vec<Vec<T>> {
        let blocks = self.blocks.iter();
        blocks.map(|block| block.output.to_rows()).collect()
    }

    /// The penalty that feature decay adds to the loss of the last [`Mlp::forward`]:
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

    /// Backpropagates the gradient of the logits of the last [`Mlp::forward`] and updates every
    /// parameter.
    ///
    /// # Shapes
    ///
    /// `gradient` (n, classes), row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoForward`], [`KernelError::Length`]; the network is unchanged on error.
    pub fn backward(&mut self, gradient: &[T], step: &Step) -> Result<(), KernelError> {
        let samples = self.ready.ok_or(KernelError::NoForward)?;
        let expected = samples * self.architecture.classes;
        check_length("gradient of the logits", gradient, expected)?;
        self.ready = None;
        T::backward(self, gradient, samples, step);
        Ok(())
    }
}
