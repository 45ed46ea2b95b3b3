//! What the multilayer perceptrons of memdil-kernels have in common, on the processor and on a GPU:
//! how they are made of a specification, and their tensors by name.

use candle_core::{DType, Device};
use memdil_kernels::gpu::{GpuMachine, GpuMlp};
use memdil_kernels::{
    Activation, Architecture, Decay, KernelError, Mlp, Norm, Optimizer, Step, TensorInfo,
    TensorRole,
};
use memdil_models::Model as _;
use memdil_records::{ActivationSpec, ClassifierSpec, ModelSpec, NormSpec, RunSpec};
use ndarray::{Array1, Array2};

use crate::config::update::{Update, UpdateRule};
use crate::error::RunnerError;
use crate::network::candle::mlp_model;
use crate::network::state::{NamedTensor, Tensors, pick};

/// Adam's number of steps among the optimiser's tensors.
const STEPS: &str = "step";

/// A specification in the words of memdil-kernels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recipe {
    pub(super) architecture: Architecture,
    pub(super) optimizer: Optimizer,
    /// Constants of a step; the learning rate changes.
    pub(super) step: Step,
}

impl Recipe {
    pub(super) fn new(spec: &RunSpec, inputs: usize, classes: usize) -> Result<Self, RunnerError> {
        let ModelSpec::Mlp(mlp) = &spec.model else {
            return Err(
                candle_core::Error::msg("only multilayer perceptrons have a fused step").into(),
            );
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
        let optimizer = match update.rule {
            UpdateRule::Sgd { momentum, nesterov } => Optimizer::Sgd { momentum, nesterov },
            UpdateRule::Adam {
                beta1,
                beta2,
                epsilon,
            } => Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            },
        };
        let decay = if update.decoupled {
            Decay::Decoupled
        } else {
            Decay::Coupled
        };
        let step = Step {
            learning_rate: spec.optimizer.learning_rate(),
            decay: decay(update.weight_decay),
            classifier_decay: decay(update.classifier_weight_decay),
            feature_decay: spec.training.feature_decay,
        };
        Ok(Self {
            architecture,
            optimizer,
            step,
        })
    }
}

/// A network whose tensors have names.
pub(super) trait Engine {
    fn architecture(&self) -> &Architecture;
    fn tensors(&self) -> Vec<TensorInfo>;
    fn get(&self, name: &str) -> Result<Vec<f32>, KernelError>;
    fn set(&mut self, name: &str, values: &[f32]) -> Result<(), KernelError>;
    /// Steps that the optimiser has made.
    fn steps(&self) -> Result<u64, KernelError>;
    fn set_steps(&mut self, steps: u64) -> Result<(), KernelError>;
}

impl Engine for Mlp<f32> {
    fn architecture(&self) -> &Architecture {
        self.architecture()
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        self.tensors()
    }

    fn get(&self, name: &str) -> Result<Vec<f32>, KernelError> {
        self.get(name)
    }

    fn set(&mut self, name: &str, values: &[f32]) -> Result<(), KernelError> {
        self.set(name, values)
    }

    fn steps(&self) -> Result<u64, KernelError> {
        Ok(self.steps())
    }

    fn set_steps(&mut self, steps: u64) -> Result<(), KernelError> {
        self.set_steps(steps);
        Ok(())
    }
}

impl<M: GpuMachine> Engine for GpuMlp<M> {
    fn architecture(&self) -> &Architecture {
        self.architecture()
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        self.tensors()
    }

    fn get(&self, name: &str) -> Result<Vec<f32>, KernelError> {
        self.get(name)
    }

    fn set(&mut self, name: &str, values: &[f32]) -> Result<(), KernelError> {
        self.set(name, values)
    }

    fn steps(&self) -> Result<u64, KernelError> {
        Ok(self.progress()?.steps)
    }

    fn set_steps(&mut self, steps: u64) -> Result<(), KernelError> {
        self.set_steps(steps)
    }
}

/// Gives a network the numbers that candle's would begin with.
pub(super) fn start(engine: &mut impl Engine, spec: &RunSpec) -> Result<(), RunnerError> {
    let Architecture {
        inputs, classes, ..
    } = *engine.architecture();
    let ModelSpec::Mlp(mlp) = &spec.model else {
        return Ok(());
    };
    let network = mlp_model(spec, mlp, inputs, classes, DType::F32, &Device::Cpu)?;
    for (name, tensor) in network.parameters().iter().chain(network.buffers()) {
        engine.set(name, &tensor.flatten_all()?.to_vec1::<f32>()?)?;
    }
    Ok(())
}

pub(super) fn classifier(engine: &impl Engine) -> Result<(Array2<f32>, Array1<f32>), RunnerError> {
    let Architecture {
        features, classes, ..
    } = *engine.architecture();
    let weight = Array2::from_shape_vec((features, classes), engine.get("classifier.weight")?);
    let by_class = weight
        .map_err(candle_core::Error::wrap)?
        .reversed_axes()
        .as_standard_layout()
        .to_owned();
    Ok((by_class, engine.get("classifier.bias")?.into()))
}

pub(super) fn parameter_count(engine: &impl Engine) -> usize {
    let fixed = engine.architecture().fixed_classifier;
    let trained = |t: &TensorInfo| {
        t.role == TensorRole::Parameter && !(fixed && t.name.starts_with("classifier."))
    };
    engine
        .tensors()
        .iter()
        .filter(|t| trained(t))
        .map(|t| t.shape.iter().product::<usize>())
        .sum()
}

pub(super) fn model_tensors(engine: &impl Engine) -> Tensors<'_> {
    Box::new(tensors(engine, |role| role != TensorRole::Buffer))
}

pub(super) fn optimizer_tensors(engine: &impl Engine, optimizer: Optimizer) -> Tensors<'_> {
    // A number that f32 holds exactly up to 16 million steps.
    let steps = || {
        let values = vec![engine.steps()? as f32];
        Ok(NamedTensor {
            name: STEPS.to_owned(),
            shape: Vec::new(),
            values,
        })
    };
    let steps = std::iter::once_with(steps).take(if is_adam(optimizer) { 1 } else { 0 });
    Box::new(tensors(engine, |role| role == TensorRole::Buffer).chain(steps))
}

pub(super) fn load_model_state(
    engine: &mut impl Engine,
    state: &[NamedTensor],
) -> Result<(), RunnerError> {
    load(engine, state, |role| role != TensorRole::Buffer, &[])
}

pub(super) fn load_optimizer_state(
    engine: &mut impl Engine,
    optimizer: Optimizer,
    state: &[NamedTensor],
) -> Result<(), RunnerError> {
    let steps: &[(&str, &[usize])] = if is_adam(optimizer) {
        &[(STEPS, &[])]
    } else {
        &[]
    };
    load(engine, state, |role| role == TensorRole::Buffer, steps)?;
    if let Some(steps) = state.iter().find(|tensor| tensor.name == STEPS) {
        engine.set_steps(steps.values[0] as u64)?;
    }
    Ok(())
}

fn is_adam(optimizer: Optimizer) -> bool {
    matches!(optimizer, Optimizer::Adam { .. })
}

fn tensors(
    engine: &impl Engine,
    wanted: impl Fn(TensorRole) -> bool,
) -> impl Iterator<Item = Result<NamedTensor, RunnerError>> {
    let tensors = engine
        .tensors()
        .into_iter()
        .filter(move |tensor| wanted(tensor.role));
    tensors.map(|TensorInfo { name, shape, .. }| {
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
    let tensors: Vec<TensorInfo> = engine
        .tensors()
        .into_iter()
        .filter(|t| wanted(t.role))
        .collect();
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
