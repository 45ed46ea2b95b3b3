//! The network as a hand-written step on the processor.

use candle_core::{DType, Device};
use memdil_kernels::{Activation, Architecture, Decay, Mlp, Norm, Optimizer, Role, Step, Tensor};
use memdil_losses::Loss;
use memdil_models::Model as _;
use memdil_records::{ActivationSpec, ClassifierSpec, ModelSpec, NormSpec, RunSpec};
use ndarray::{Array1, Array2, ArrayView2};

use super::candle::mlp_model;
use super::state::pick;
use super::{NamedTensor, Tensors};
use crate::RunnerError;
use crate::optimizer::{Rule, Update};

/// Adam's number of steps among the optimiser's tensors.
const STEPS: &str = "step";

/// A multilayer perceptron and its optimiser, computed by memdil-kernels.
#[derive(Debug)]
pub struct FusedMlp {
    network: Mlp<f32>,
    /// Constants of a step; the learning rate changes.
    step: Step,
    adam: bool,
}

impl FusedMlp {
    /// The network of a specification before its first step: the numbers that candle's would have.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] on sizes that make no network.
    pub fn new(spec: &RunSpec, inputs: usize, classes: usize) -> Result<Self, RunnerError> {
        let ModelSpec::Mlp(mlp) = &spec.model else {
            return Err(candle_core::Error::msg("only multilayer perceptrons have a fused step").into());
        };
        let architecture = Architecture {
            inputs,
            depth: mlp.depth,
            width: mlp.width,
            features: mlp.features.unwrap_or(classes),
            classes,
            norm: match mlp.norm {
                NormSpec::Batch => Norm::Batch,
                NormSpec::Layer => Norm::Layer,
                NormSpec::None => Norm::None,
            },
            activation: match mlp.activation {
                ActivationSpec::Relu => Activation::Relu,
                ActivationSpec::Sigmoid => Activation::Sigmoid,
            },
            fixed_classifier: mlp.classifier == ClassifierSpec::Etf,
        };
        let update = Update::from(&spec.optimizer);
        let (optimizer, adam) = match update.rule {
            Rule::Sgd { momentum, nesterov } => (Optimizer::Sgd { momentum, nesterov }, false),
            Rule::Adam { beta1, beta2, epsilon } => (Optimizer::Adam { beta1, beta2, epsilon }, true),
        };
        let decay = if update.decoupled { Decay::Decoupled } else { Decay::Coupled };
        let step = Step {
            learning_rate: spec.optimizer.learning_rate(),
            decay: decay(update.weight_decay),
            classifier_decay: decay(update.classifier_weight_decay),
            feature_decay: spec.training.feature_decay,
        };
        let mut network = Mlp::new(architecture, optimizer)?;
        let start = mlp_model(spec, mlp, inputs, classes, DType::F32, &Device::Cpu)?;
        for (name, tensor) in start.parameters().iter().chain(start.buffers()) {
            network.set(name, &tensor.flatten_all()?.to_vec1::<f32>()?)?;
        }
        Ok(Self { network, step, adam })
    }

    pub(super) fn step(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &Loss,
        learning_rate: f64,
    ) -> Result<f64, RunnerError> {
        let logits: Vec<f64> = self.network.forward(inputs)?.into_iter().map(f64::from).collect();
        if let Some(&other) = logits.iter().find(|logit| !logit.is_finite()) {
            return Ok(other);
        }
        let classes = self.network.architecture().classes;
        let logits = ArrayView2::from_shape((logits.len() / classes, classes), &logits);
        let (mut value, gradient) = loss.value_and_gradient(logits.map_err(candle_core::Error::wrap)?, labels)?;
        value += self.network.feature_penalty(self.step.feature_decay);
        if value.is_finite() {
            let gradient: Vec<f32> = gradient.iter().map(|&g| g as f32).collect();
            self.network.backward(&gradient, &Step { learning_rate, ..self.step })?;
        }
        Ok(value)
    }

    pub(super) fn forward(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        Ok(self.network.evaluate(inputs)?)
    }

    pub(super) fn classifier(&self) -> Result<(Array2<f32>, Array1<f32>), RunnerError> {
        let Architecture { features, classes, .. } = *self.network.architecture();
        let weight = Array2::from_shape_vec((features, classes), self.network.get("classifier.weight")?);
        let by_class = weight.map_err(candle_core::Error::wrap)?.reversed_axes().as_standard_layout().to_owned();
        Ok((by_class, self.network.get("classifier.bias")?.into()))
    }

    pub(super) fn parameter_count(&self) -> usize {
        let fixed = self.network.architecture().fixed_classifier;
        let trained = |t: &Tensor| t.role == Role::Parameter && !(fixed && t.name.starts_with("classifier."));
        self.network.tensors().iter().filter(|t| trained(t)).map(|t| t.shape.iter().product::<usize>()).sum()
    }

    pub(super) fn model_tensors(&self) -> Tensors<'_> {
        Box::new(self.tensors(|role| role != Role::Buffer))
    }

    pub(super) fn optimizer_tensors(&self) -> Tensors<'_> {
        // A number that f32 holds exactly up to 16 million steps.
        let steps =
            || NamedTensor { name: STEPS.to_owned(), shape: Vec::new(), values: vec![self.network.steps() as f32] };
        Box::new(self.tensors(|role| role == Role::Buffer).chain(self.adam.then(|| Ok(steps()))))
    }

    pub(super) fn load_model_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        self.load(state, |role| role != Role::Buffer, &[])
    }

    pub(super) fn load_optimizer_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        let steps: &[(&str, &[usize])] = if self.adam { &[(STEPS, &[])] } else { &[] };
        self.load(state, |role| role == Role::Buffer, steps)?;
        if let Some(steps) = state.iter().find(|tensor| tensor.name == STEPS) {
            self.network.set_steps(steps.values[0] as u64);
        }
        Ok(())
    }

    fn tensors(&self, wanted: impl Fn(Role) -> bool) -> impl Iterator<Item = Result<NamedTensor, RunnerError>> {
        let tensors = self.network.tensors().into_iter().filter(move |tensor| wanted(tensor.role));
        tensors.map(|Tensor { name, shape, .. }| {
            let values = self.network.get(&name)?;
            Ok(NamedTensor { name, shape, values })
        })
    }

    fn load(
        &mut self,
        state: &[NamedTensor],
        wanted: impl Fn(Role) -> bool,
        more: &[(&str, &[usize])],
    ) -> Result<(), RunnerError> {
        let tensors: Vec<Tensor> = self.network.tensors().into_iter().filter(|t| wanted(t.role)).collect();
        let expected = tensors.iter().map(|t| (t.name.as_str(), t.shape.as_slice())).chain(more.iter().copied());
        let found = pick(state, &expected.collect::<Vec<_>>())?;
        for (tensor, values) in tensors.iter().zip(found) {
            self.network.set(&tensor.name, &values.values)?;
        }
        Ok(())
    }
}
