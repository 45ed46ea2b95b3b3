//! Multilayer perceptrons with the fused step of memdil-kernels on the processor.

use memdil_kernels::{KernelError, Mlp, TensorInfo};
use memdil_losses::Loss;
use memdil_records::RunSpec;
use ndarray::ArrayView2;

use crate::error::RunnerError;
use crate::network::interface::{LayerOutput, Network, StepOutput};
use crate::network::perceptron::{Engine, Recipe, layer_outputs};

/// A multilayer perceptron and its optimiser, computed by memdil-kernels.
#[derive(Debug)]
pub struct FusedMlp {
    network: Mlp<f32>,
    recipe: Recipe,
}

impl FusedMlp {
    /// Builds the network of a specification, with the same initial values as on candle.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] for invalid sizes.
    pub fn new(spec: &RunSpec, inputs: usize, classes: usize) -> Result<Self, RunnerError> {
        let recipe = Recipe::new(spec, inputs, classes)?;
        let network = Mlp::new(recipe.architecture, recipe.optimizer)?;
        Self { network, recipe }.with_initial_values(spec)
    }
}

impl Engine for FusedMlp {
    fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        self.network.tensors()
    }

    fn get(&self, name: &str) -> Result<Vec<f32>, KernelError> {
        self.network.get(name)
    }

    fn set(&mut self, name: &str, values: &[f32]) -> Result<(), KernelError> {
        self.network.set(name, values)
    }

    fn steps(&self) -> Result<u64, KernelError> {
        Ok(self.network.steps())
    }

    fn set_steps(&mut self, steps: u64) -> Result<(), KernelError> {
        self.network.set_steps(steps);
        Ok(())
    }
}

impl Network for FusedMlp {
    fn step(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &Loss,
        learning_rate: f64,
    ) -> Result<StepOutput, RunnerError> {
        let logits = self.network.forward(inputs)?;
        if let Some(&other) = logits.iter().find(|logit| !logit.is_finite()) {
            let loss = other.into();
            return Ok(StepOutput { loss, logits });
        }
        let step = self.recipe.step(learning_rate);
        let classes = self.network.architecture().classes;
        let precise: Vec<f64> = logits.iter().copied().map(f64::from).collect();
        let precise = ArrayView2::from_shape((logits.len() / classes, classes), &precise);
        let (mut value, gradient) =
            loss.value_and_gradient(precise.map_err(candle_core::Error::wrap)?, labels)?;
        value += self.network.feature_penalty(step.feature_decay);
        if value.is_finite() {
            let gradient: Vec<f32> = gradient.iter().map(|&g| g as f32).collect();
            self.network.backward(&gradient, &step)?;
        }
        Ok(StepOutput {
            loss: value,
            logits,
        })
    }

    fn forward(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        Ok(self.network.evaluate(inputs)?)
    }

    fn forward_layers(&mut self, inputs: &[f32]) -> Result<Option<Vec<LayerOutput>>, RunnerError> {
        self.network.evaluate(inputs)?;
        let samples = inputs.len() / self.network.architecture().inputs;
        layer_outputs(self.network.block_outputs(), samples).map(Some)
    }
}
