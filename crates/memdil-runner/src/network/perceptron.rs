//! Common parts of the multilayer perceptrons of memdil-kernels on the processor and on a GPU: the
//! construction from a specification, and named tensors.

use std::fmt::Debug;

use candle_core::{DType, Device};
use memdil_kernels::{Architecture, KernelError, Optimizer, Step, TensorInfo, TensorRole};
use memdil_models::{Classifier, Model as _};
use memdil_records::{ModelSpec, RunSpec};
use ndarray::{Array1, Array2};

use crate::config::update::Update;
use crate::error::RunnerError;
use crate::network::candle::{mlp_model, variant};
use crate::network::interface::{LayerOutput, NetworkState};
use crate::network::state::{NamedTensor, Tensors, pick};

/// The name of the tensor with Adam's number of steps.
const STEPS: &str = "step";

/// A specification, converted to the types of memdil-kernels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recipe {
    pub(super) architecture: Architecture,
    pub(super) optimizer: Optimizer,
    /// The constants of a step with the initial learning rate.
    step: Step,
}

impl Recipe {
    pub(super) fn new(spec: &RunSpec, inputs: usize, classes: usize) -> Result<Self, RunnerError> {
        let ModelSpec::Mlp(mlp) = &spec.model else {
            return Err(
                candle_core::Error::msg("only multilayer perceptrons have a fused step").into(),
            );
        };
        let variant = variant(mlp);
        let architecture = Architecture {
            inputs,
            depth: mlp.depth,
            width: mlp.width,
            features: mlp.features.unwrap_or(classes),
            classes,
            norm: variant.norm,
            activation: variant.activation,
            fixed_classifier: variant.classifier == Classifier::Etf,
        };
        let update = Update::from(&spec.optimizer);
        let step = Step {
            learning_rate: spec.optimizer.learning_rate(),
            decay: update.decay,
            classifier_decay: update.classifier_decay,
            feature_decay: spec.training.feature_decay,
        };
        Ok(Self {
            architecture,
            optimizer: update.optimizer,
            step,
        })
    }

    /// The constants of a step with this learning rate.
    pub(super) fn step(&self, learning_rate: f64) -> Step {
        Step {
            learning_rate,
            ..self.step
        }
    }

    fn is_adam(&self) -> bool {
        matches!(self.optimizer, Optimizer::Adam { .. })
    }
}

/// A multilayer perceptron with named tensors.
pub(super) trait Engine: Debug {
    fn recipe(&self) -> &Recipe;
    fn tensors(&self) -> Vec<TensorInfo>;
    fn get(&self, name: &str) -> Result<Vec<f32>, KernelError>;
    fn set(&mut self, name: &str, values: &[f32]) -> Result<(), KernelError>;
    /// The number of steps that the optimiser has taken.
    fn steps(&self) -> Result<u64, KernelError>;
    fn set_steps(&mut self, steps: u64) -> Result<(), KernelError>;

    /// The network with the initial values of the candle network of this specification.
    fn with_initial_values(mut self, spec: &RunSpec) -> Result<Self, RunnerError>
    where
        Self: Sized,
    {
        let ModelSpec::Mlp(mlp) = &spec.model else {
            return Ok(self);
        };
        let Architecture {
            inputs, classes, ..
        } = self.recipe().architecture;
        let network = mlp_model(spec, mlp, inputs, classes, DType::F32, &Device::Cpu)?;
        let variables = network.variables();
        for (name, tensor) in variables.parameters.iter().chain(&variables.buffers) {
            self.set(name, &tensor.flatten_all()?.to_vec1::<f32>()?)?;
        }
        Ok(self)
    }
}

impl<E: Engine> NetworkState for E {
    fn classifier(&self) -> Result<(Array2<f32>, Array1<f32>), RunnerError> {
        let architecture = &self.recipe().architecture;
        let shape = (architecture.features, architecture.classes);
        let weight = Array2::from_shape_vec(shape, self.get("classifier.weight")?)
            .map_err(candle_core::Error::wrap)?;
        let by_class = weight.reversed_axes().as_standard_layout().to_owned();
        Ok((by_class, self.get("classifier.bias")?.into()))
    }

    fn parameter_count(&self) -> usize {
        let mut tensors = self.tensors();
        let fixed = self.recipe().architecture.fixed_classifier;
        tensors.retain(|t| t.role == TensorRole::Parameter);
        tensors.retain(|t| !(fixed && t.name.starts_with("classifier.")));
        let sizes = tensors.iter().map(|t| t.shape.iter().product::<usize>());
        sizes.sum()
    }

    fn model_tensors(&self) -> Tensors<'_> {
        Box::new(tensors(self, |role| role != TensorRole::Buffer))
    }

    /// The buffers of the optimiser and, for Adam, the number of steps.
    fn optimizer_tensors(&self) -> Result<Tensors<'_>, RunnerError> {
        // f32 represents the number of steps exactly up to 16 million.
        let steps = || {
            let values = vec![self.steps()? as f32];
            Ok(NamedTensor {
                name: STEPS.to_owned(),
                shape: Vec::new(),
                values,
            })
        };
        let steps = std::iter::once_with(steps).take(usize::from(self.recipe().is_adam()));
        let buffers = tensors(self, |role| role == TensorRole::Buffer);
        Ok(Box::new(buffers.chain(steps)))
    }

    fn load_model_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        load(self, state, |role| role != TensorRole::Buffer, &[])
    }

    fn load_optimizer_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        let adam: &[(&str, &[usize])] = &[(STEPS, &[])];
        let steps = if self.recipe().is_adam() { adam } else { &[] };
        load(self, state, |role| role == TensorRole::Buffer, steps)?;
        if let Some(steps) = state.iter().find(|tensor| tensor.name == STEPS) {
            self.set_steps(steps.values[0] as u64)?;
        }
        Ok(())
    }
}

/// The outputs of the blocks for `samples` samples, with their names.
pub(super) fn layer_outputs(
    outputs: Vec<Vec<f32>>,
    samples: usize,
) -> Result<Vec<LayerOutput>, RunnerError> {
    let layer = |(index, values): (usize, Vec<f32>)| {
        let shape = (samples, values.len() / samples.max(1));
        let features = Array2::from_shape_vec(shape, values).map_err(candle_core::Error::wrap)?;
        let name = format!("blocks.{index}");
        Ok(LayerOutput { name, features })
    };
    outputs.into_iter().enumerate().map(layer).collect()
}

fn tensors(
    engine: &impl Engine,
    wanted: impl Fn(TensorRole) -> bool,
) -> impl Iterator<Item = Result<NamedTensor, RunnerError>> {
    let mut tensors = engine.tensors();
    tensors.retain(|tensor| wanted(tensor.role));
    tensors.into_iter().map(|TensorInfo { name, shape, .. }| {
        let values = engine.get(&name)?;
        Ok(NamedTensor {
            name,
            shape,
            values,
        })
    })
}

fn load(
    engine: &mut impl Engine,
    state: &[NamedTensor],
    wanted: impl Fn(TensorRole) -> bool,
    more: &[(&str, &[usize])],
) -> Result<(), RunnerError> {
    let mut tensors = engine.tensors();
    tensors.retain(|tensor| wanted(tensor.role));
    let expected = tensors
        .iter()
        .map(|t| (t.name.as_str(), t.shape.as_slice()))
        .chain(more.iter().copied());
    let found = pick(state, &expected.collect::<Vec<_>>())?;
    for (tensor, values) in tensors.iter().zip(found) {
        engine.set(&tensor.name, &values.values)?;
    }
    Ok(())
}
