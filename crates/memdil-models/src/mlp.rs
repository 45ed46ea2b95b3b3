//! The fully connected network of the paper's MLP experiments.

use candle_core::{DType, Device, Result, Tensor, Var};
use rand_chacha::ChaCha8Rng;

use crate::init::uniform_fan_in;
use crate::norm::{Norm, Normalize};
use crate::{Model, simplex_etf};

/// Sizes of an [`Mlp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MlpShape {
    /// Values of an input sample.
    pub inputs: usize,
    /// Blocks of Linear, normalisation, activation: `depth - 1` of `width` units, then one of
    /// `features`.
    pub depth: usize,
    /// Units in a hidden block.
    pub width: usize,
    /// Units in the last block: the penultimate features.
    pub features: usize,
    /// Logits.
    pub classes: usize,
}

/// What an [`Mlp`] is made of; the default is the paper's network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MlpVariant {
    /// Normalisation of every block.
    pub norm: Norm,
    /// What follows it, in every block.
    pub activation: Activation,
    /// What reads the features.
    pub classifier: Classifier,
}

/// Activation of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// $\max(0, z)$.
    #[default]
    Relu,
    /// $1/(1 + e^{-z})$.
    Sigmoid,
}

/// What reads the features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Classifier {
    /// A linear layer, trained with the rest.
    #[default]
    Learned,
    /// [`simplex_etf`] with zero bias, never trained.
    Etf,
}

/// What a network says about a batch.
#[derive(Clone, Debug)]
pub struct Output {
    /// Penultimate features after the last activation, (n, d).
    pub features: Tensor,
    /// Logits, (n, K).
    pub logits: Tensor,
}

/// `[Linear, normalisation, activation] x depth`, then a linear classifier (Nguyen et al. 2023).
///
/// Weights are kept as (inputs, outputs), so that the forward product needs no transpose.
#[derive(Clone, Debug)]
pub struct Mlp {
    blocks: Vec<Block>,
    classifier: Linear,
    activation: Activation,
    parameters: Vec<(String, Var)>,
    buffers: Vec<(String, Var)>,
}

#[derive(Clone, Debug)]
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

#[derive(Clone, Debug)]
struct Block {
    linear: Linear,
    norm: Normalize,
}

impl Mlp {
    /// A network with PyTorch's default initialisation: weights and biases uniform on ±1/√fan_in,
    /// normalisation the identity.
    ///
    /// # Errors
    ///
    /// candle's error when a size is 0, the features are too few for a fixed frame, or the device
    /// cannot hold the parameters.
    pub fn new(
        shape: MlpShape,
        variant: MlpVariant,
        rng: &mut ChaCha8Rng,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let MlpShape {
            inputs,
            depth,
            width,
            features,
            classes,
        } = shape;
        if [inputs, depth, width, features, classes].contains(&0) {
            candle_core::bail!("a network of {shape:?}: every size must be at least 1");
        }
        let mut parameters = Vec::new();
        let mut buffers = Vec::new();
        let mut linear =
            |name: &str, fan_in: usize, outputs: usize, parameters: &mut Vec<(String, Var)>| {
                let weight = uniform_fan_in((fan_in, outputs), fan_in, rng, dtype, device)?;
                let bias = uniform_fan_in(outputs, fan_in, rng, dtype, device)?;
                let layer = Linear {
                    weight: weight.as_tensor().clone(),
                    bias: bias.as_tensor().clone(),
                };
                parameters.push((format!("{name}.weight"), weight));
                parameters.push((format!("{name}.bias"), bias));
                Ok::<_, candle_core::Error>(layer)
            };
        let mut blocks = Vec::with_capacity(depth);
        let mut fan_in = inputs;
        for index in 0..depth {
            let outputs = if index + 1 == depth { features } else { width };
            let name = format!("blocks.{index}");
            let layer = linear(&format!("{name}.linear"), fan_in, outputs, &mut parameters)?;
            let norm_name = format!("{name}.norm");
            let place = (dtype, device);
            let norm = Normalize::new(
                variant.norm,
                outputs,
                &norm_name,
                place,
                &mut parameters,
                &mut buffers,
            )?;
            blocks.push(Block {
                linear: layer,
                norm,
            });
            fan_in = outputs;
        }
        let classifier = match variant.classifier {
            Classifier::Learned => linear("classifier", fan_in, classes, &mut parameters)?,
            Classifier::Etf => {
                let frame =
                    Tensor::from_vec(simplex_etf(classes, features)?, (classes, features), device)?;
                let weight = Var::from_tensor(&frame.t()?.contiguous()?.to_dtype(dtype)?)?;
                let bias = Var::zeros(classes, dtype, device)?;
                let fixed = Linear {
                    weight: weight.as_detached_tensor(),
                    bias: bias.as_detached_tensor(),
                };
                buffers.push(("classifier.weight".to_owned(), weight));
                buffers.push(("classifier.bias".to_owned(), bias));
                fixed
            }
        };
        Ok(Self {
            blocks,
            classifier,
            activation: variant.activation,
            parameters,
            buffers,
        })
    }
}

impl Model for Mlp {
    /// At least two samples for batch normalisation with `train`: biased variance for the batch,
    /// unbiased for the running one.
    fn forward(&self, batch: &Tensor, train: bool) -> Result<Output> {
        if train
            && batch.dim(0)? < 2
            && matches!(
                self.blocks[..],
                [
                    Block {
                        norm: Normalize::Batch(_),
                        ..
                    },
                    ..
                ]
            )
        {
            candle_core::bail!("a training batch of one sample has no variance to normalise by");
        }
        let mut features = batch.clone();
        for block in &self.blocks {
            let normalised = block
                .norm
                .forward(&block.linear.forward(&features)?, train)?;
            features = match self.activation {
                Activation::Relu => normalised.relu()?,
                Activation::Sigmoid => candle_nn::ops::sigmoid(&normalised)?,
            };
        }
        let logits = self.classifier.forward(&features)?;
        Ok(Output { features, logits })
    }

    fn parameters(&self) -> &[(String, Var)] {
        &self.parameters
    }

    /// Running means and variances, and a fixed classifier.
    fn buffers(&self) -> &[(String, Var)] {
        &self.buffers
    }

    fn classifier_weight(&self) -> &Tensor {
        &self.classifier.weight
    }

    fn classifier_bias(&self) -> &Tensor {
        &self.classifier.bias
    }
}

impl Linear {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?
            .matmul(&self.weight)?
            .broadcast_add(&self.bias)
    }
}
