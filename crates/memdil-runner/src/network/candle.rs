//! Networks on candle's tensors, trained with the gradients of a tape and of candle's autograd.

use candle_core::{DType, Device, Tensor, Var};
use memdil_data::random::{Stream, stream};
use memdil_losses::Loss;
use memdil_models::{
    Activation, Classifier, ImageShape, Mlp, MlpShape, MlpVariant, Model, Norm, ResNet,
    ResNetDepth, ResNetShape, Vgg, VggDepth, VggShape,
};
use memdil_records::{
    ActivationSpec, ClassifierSpec, ConvolutionSpec, MlpSpec, ModelSpec, NormSpec, RunSpec,
};
use ndarray::{Array1, Array2};

use crate::config::update::Update;
use crate::error::RunnerError;
use crate::network::interface::{LayerOutput, Network, NetworkState, StepOutput};
use crate::network::optimizer::CandleOptimizer;
use crate::network::state::{NamedTensor, Tensors, pick};

/// A network and its optimiser on candle's tensors.
#[derive(Debug)]
pub struct CandleNetwork {
    network: Box<dyn Model>,
    optimizer: CandleOptimizer,
    feature_decay: f64,
    inputs: usize,
    dtype: DType,
    device: Device,
}

impl CandleNetwork {
    /// Builds the network of a specification with its initial values; `shape` is (channels, rows,
    /// columns) of a sample.
    ///
    /// # Errors
    ///
    /// [`RunnerError::CustomModel`], [`RunnerError::SmallImages`]; [`RunnerError::Tensor`] if
    /// the device has too little memory.
    pub fn new(
        spec: &RunSpec,
        shape: (usize, usize, usize),
        classes: usize,
        dtype: DType,
        device: &Device,
    ) -> Result<Self, RunnerError> {
        check_model(spec, shape)?;
        let (channels, height, width) = shape;
        let image = ImageShape {
            channels,
            height,
            width,
        };
        let inputs = channels * height * width;
        let mut rng = stream(spec.seed, Stream::Init);
        let network: Box<dyn Model> = match &spec.model {
            ModelSpec::Mlp(mlp) => Box::new(mlp_model(spec, mlp, inputs, classes, dtype, device)?),
            ModelSpec::ResNet(model) => {
                let depth = match model.depth {
                    18 => ResNetDepth::R18,
                    34 => ResNetDepth::R34,
                    _ => ResNetDepth::R50,
                };
                let shape = ResNetShape {
                    image,
                    depth,
                    width: model.width,
                    classes,
                };
                let network = ResNet::new(shape, &mut rng, dtype, device)?;
                Box::new(match model.convolution {
                    ConvolutionSpec::Automatic => network,
                    ConvolutionSpec::Direct => network.with_direct_convolutions(),
                })
            }
            ModelSpec::Vgg(model) => {
                let depth = match model.depth {
                    11 => VggDepth::V11,
                    13 => VggDepth::V13,
                    _ => VggDepth::V16,
                };
                let shape = VggShape {
                    image,
                    depth,
                    width: model.width,
                    classes,
                };
                let network = Vgg::new(shape, &mut rng, dtype, device)?;
                Box::new(match model.convolution {
                    ConvolutionSpec::Automatic => network,
                    ConvolutionSpec::Direct => network.with_direct_convolutions(),
                })
            }
            ModelSpec::Custom(custom) => {
                return Err(RunnerError::CustomModel {
                    name: custom.name.clone(),
                });
            }
        };
        Self::from_model(spec, network, inputs, dtype, device)
    }

    /// Adds an optimiser to a model; `inputs` is the number of values of a sample.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] if the device has too little memory for the optimiser.
    pub fn from_model(
        spec: &RunSpec,
        network: Box<dyn Model>,
        inputs: usize,
        dtype: DType,
        device: &Device,
    ) -> Result<Self, RunnerError> {
        let update = Update::from(&spec.optimizer);
        let optimizer = CandleOptimizer::new(update, &network.variables().parameters)?;
        let (feature_decay, device) = (spec.training.feature_decay, device.clone());
        Ok(Self {
            network,
            optimizer,
            feature_decay,
            inputs,
            dtype,
            device,
        })
    }

    fn batch(&self, inputs: &[f32]) -> candle_core::Result<Tensor> {
        let shape = (inputs.len() / self.inputs, self.inputs);
        Tensor::from_slice(inputs, shape, &self.device)?.to_dtype(self.dtype)
    }

    fn model_variables(&self) -> impl Iterator<Item = &(String, Var)> {
        let variables = self.network.variables();
        variables.parameters.iter().chain(&variables.buffers)
    }

    fn tensor(&self, tensor: &NamedTensor) -> candle_core::Result<Tensor> {
        Tensor::from_slice(&tensor.values, tensor.shape.as_slice(), &self.device)?
            .to_dtype(self.dtype)
    }
}

impl NetworkState for CandleNetwork {
    fn classifier(&self) -> Result<(Array2<f32>, Array1<f32>), RunnerError> {
        let [weight, bias] = &self.network.variables().classifier;
        let array = Array2::from_shape_vec(weight.dims2()?, values(weight)?)
            .map_err(candle_core::Error::wrap)?;
        let by_class = array.reversed_axes().as_standard_layout().to_owned();
        Ok((by_class, values(bias)?.into()))
    }

    fn parameter_count(&self) -> usize {
        let parameters = self.network.variables().parameters.iter();
        parameters.map(|(_, p)| p.elem_count()).sum()
    }

    fn model_tensors(&self) -> Tensors<'_> {
        let variables = self.model_variables();
        Box::new(variables.map(|(name, tensor)| named(name, tensor)))
    }

    fn load_model_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        let targets: Vec<_> = self.model_variables().collect();
        let expected = targets
            .iter()
            .map(|(name, var)| (name.as_str(), var.dims()));
        let expected: Vec<_> = expected.collect();
        for ((_, target), tensor) in targets.iter().zip(pick(state, &expected)?) {
            target.set(&self.tensor(tensor)?)?;
        }
        Ok(())
    }

    fn optimizer_tensors(&self) -> Result<Tensors<'_>, RunnerError> {
        let state = self.optimizer.state()?.into_iter();
        Ok(Box::new(state.map(|(name, tensor)| named(&name, &tensor))))
    }

    fn load_optimizer_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        let tensors = self.optimizer.state()?;
        let expected: Vec<_> = tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor.dims()))
            .collect();
        let tensors = pick(state, &expected)?
            .into_iter()
            .map(|tensor| self.tensor(tensor));
        let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
        Ok(self.optimizer.set_state(tensors)?)
    }
}

impl Network for CandleNetwork {
    fn step(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &Loss,
        learning_rate: f64,
    ) -> Result<StepOutput, RunnerError> {
        let batch = self.batch(inputs)?;
        let labels = Tensor::from_slice(labels, labels.len(), &self.device)?;
        let buffers = self.network.variables().buffers.iter();
        let buffers = buffers.map(|(_, buffer)| buffer.copy());
        let buffers = buffers.collect::<Result<Vec<_>, _>>()?;
        let (output, tape) = self.network.forward_with_tape(&batch)?;
        let mut loss = loss.tensor(&output.logits, &labels)?;
        if self.feature_decay > 0.0 {
            let penalty = output.features.sqr()?.sum_all()?
                * (self.feature_decay / (2.0 * labels.elem_count() as f64));
            loss = (loss + penalty?)?;
        }
        let value = loss.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        if value.is_finite() {
            let mut gradients = loss.backward()?;
            drop(loss);
            tape.backward(&mut gradients)?;
            self.optimizer.step(&gradients, learning_rate)?;
        } else {
            for ((_, buffer), before) in self.network.variables().buffers.iter().zip(&buffers) {
                buffer.set(before)?;
            }
        }
        Ok(StepOutput {
            loss: value,
            logits: values(&output.logits)?,
        })
    }

    fn forward(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        let output = self.network.forward(&self.batch(inputs)?, false)?;
        Ok((values(&output.features)?, values(&output.logits)?))
    }

    fn forward_layers(&mut self, inputs: &[f32]) -> Result<Option<Vec<LayerOutput>>, RunnerError> {
        let Some(layers) = self.network.forward_layers(&self.batch(inputs)?)? else {
            return Ok(None);
        };
        let output = |(name, features): (String, Tensor)| {
            let features = Array2::from_shape_vec(features.dims2()?, values(&features)?)
                .map_err(candle_core::Error::wrap)?;
            Ok(LayerOutput { name, features })
        };
        layers
            .into_iter()
            .map(output)
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

/// Checks that this crate can build the network for images of this shape.
pub(crate) fn check_model(
    spec: &RunSpec,
    (_, height, width): (usize, usize, usize),
) -> Result<(), RunnerError> {
    match &spec.model {
        ModelSpec::Vgg(_) if height.min(width) < 32 => {
            Err(RunnerError::SmallImages { height, width })
        }
        ModelSpec::Custom(custom) => Err(RunnerError::CustomModel {
            name: custom.name.clone(),
        }),
        _ => Ok(()),
    }
}

/// The multilayer perceptron of a specification with its initial values.
pub(super) fn mlp_model(
    spec: &RunSpec,
    mlp: &MlpSpec,
    inputs: usize,
    classes: usize,
    dtype: DType,
    device: &Device,
) -> candle_core::Result<Mlp> {
    let shape = MlpShape {
        inputs,
        depth: mlp.depth,
        width: mlp.width,
        features: mlp.features.unwrap_or(classes),
        classes,
    };
    let mut rng = stream(spec.seed, Stream::Init);
    Mlp::new(shape, variant(mlp), &mut rng, dtype, device)
}

pub(crate) fn variant(spec: &MlpSpec) -> MlpVariant {
    MlpVariant {
        norm: match spec.norm {
            NormSpec::Batch => Norm::Batch,
            NormSpec::Layer => Norm::Layer,
            NormSpec::None => Norm::None,
        },
        activation: match spec.activation {
            ActivationSpec::Relu => Activation::Relu,
            ActivationSpec::Sigmoid => Activation::Sigmoid,
        },
        classifier: match spec.classifier {
            ClassifierSpec::Learned => Classifier::Learned,
            ClassifierSpec::Etf => Classifier::Etf,
        },
    }
}

fn named(name: &str, tensor: &Tensor) -> Result<NamedTensor, RunnerError> {
    Ok(NamedTensor {
        name: name.to_owned(),
        shape: tensor.dims().to_vec(),
        values: values(tensor)?,
    })
}

fn values(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

#[cfg(test)]
mod tests;
