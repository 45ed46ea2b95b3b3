//! The network as a hand-written step on the processor.

use memdil_kernels::Mlp;
use memdil_losses::Loss;
use memdil_records::RunSpec;
use ndarray::{Array1, Array2, ArrayView2};

use crate::error::RunnerError;
use crate::network::interface::Network;
use crate::network::perceptron::{self, Recipe};
use crate::network::state::{NamedTensor, Tensors};

/// A multilayer perceptron and its optimiser, computed by memdil-kernels.
#[derive(Debug)]
pub struct FusedMlp {
    network: Mlp<f32>,
    recipe: Recipe,
}

impl FusedMlp {
    /// The network of a specification before its first step: the numbers that candle's would have.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] on sizes that make no network.
    pub fn new(spec: &RunSpec, inputs: usize, classes: usize) -> Result<Self, RunnerError> {
        let recipe = Recipe::new(spec, inputs, classes)?;
        let mut network = Mlp::new(recipe.architecture, recipe.optimizer)?;
        recipe.start(&mut network, spec)?;
        Ok(Self { network, recipe })
    }
}

impl Network for FusedMlp {
    fn step(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &Loss,
        learning_rate: f64,
    ) -> Result<f64, RunnerError> {
        let logits = self.network.forward(inputs)?;
        let logits: Vec<f64> = logits.into_iter().map(f64::from).collect();
        if let Some(&other) = logits.iter().find(|logit| !logit.is_finite()) {
            return Ok(other);
        }
        let step = self.recipe.step(learning_rate);
        let classes = self.network.architecture().classes;
        let logits = ArrayView2::from_shape((logits.len() / classes, classes), &logits);
        let (mut value, gradient) =
            loss.value_and_gradient(logits.map_err(candle_core::Error::wrap)?, labels)?;
        value += self.network.feature_penalty(step.feature_decay);
        if value.is_finite() {
            let gradient: Vec<f32> = gradient.iter().map(|&g| g as f32).collect();
            self.network.backward(&gradient, &step)?;
        }
        Ok(value)
    }

    fn forward(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        Ok(self.network.evaluate(inputs)?)
    }

    fn classifier(&self) -> Result<(Array2<f32>, Array1<f32>), RunnerError> {
        self.recipe.classifier(&self.network)
    }

    fn parameter_count(&self) -> usize {
        self.recipe.parameter_count(&self.network)
    }

    fn model_tensors(&self) -> Tensors<'_> {
        perceptron::model_tensors(&self.network)
    }

    fn optimizer_tensors(&self) -> Result<Tensors<'_>, RunnerError> {
        Ok(self.recipe.optimizer_tensors(&self.network))
    }

    fn load_model_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        perceptron::load_model_state(&mut self.network, state)
    }

    fn load_optimizer_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        self.recipe.load_optimizer_state(&mut self.network, state)
    }
}
