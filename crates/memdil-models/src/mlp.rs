//! The fully connected network of the paper's MLP experiments.

use candle_core::{DType, Device, Result, Tensor, Var};
use memdil_kernels::{Activation, Norm};
use rand_chacha::ChaCha8Rng;

use crate::etf::simplex_etf;
use crate::layers::{Layers, check_batch, linear};
use crate::model::{Model, Output, Variables};
use crate::norm::Normalize;

/// Sizes of an [`Mlp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MlpShape {
    /// Values per input sample.
    pub inputs: usize,
    /// Blocks of linear layer, normalisation and activation: `depth - 1` blocks of `width` units,
    /// then one of `features` units.
    pub depth: usize,
    /// Units of a hidden block.
    pub width: usize,
    /// Units of the last block, the penultimate features.
    pub features: usize,
    /// Logits per sample.
    pub classes: usize,
}

/// The components of an [`Mlp`]; the default is the paper's network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MlpVariant {
    /// Normalisation of every block.
    pub norm: Norm,
    /// Activation of every block.
    pub activation: Activation,
    /// Classifier on the features.
    pub classifier: Classifier,
}

/// The classifier of an [`Mlp`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Classifier {
    /// A trained linear layer.
    #[default]
    Learned,
    /// [`simplex_etf`] with zero bias, never trained.
    Etf,
}

/// `[Linear, normalisation, activation] x depth`, then a linear classifier (Nguyen et al. 2023).
///
/// Weights are stored as (inputs, outputs), so the forward pass needs no transpose.
#[derive(Clone, Debug)]
pub struct Mlp {
    blocks: Vec<Block>,
    activation: Activation,
    variables: Variables,
}

#[derive(Clone, Debug)]
struct Block {
    linear: [Tensor; 2],
    norm: Normalize,
}

impl Mlp {
    /// A network with PyTorch's default initialisation: weights and biases are uniform on
    /// ±1/√fan_in, normalisation is the identity.
    ///
    /// # Errors
    ///
    /// candle's error if a size is 0, the features are too few for a fixed frame, or the device
    /// cannot hold the parameters.
    pub fn new(
        shape: MlpShape,
        variant: MlpVariant,
        rng: &mut ChaCha8Rng,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let (features, classes) = (shape.features, shape.classes);
        let sizes = [shape.inputs, shape.depth, shape.width, features, classes];
        if sizes.contains(&0) {
            candle_core::bail!("{shape:?}: every size must be at least 1");
        }
        let mut layers = Layers::new(rng, dtype, device);
        let mut blocks = Vec::with_capacity(shape.depth);
        let mut fan_in = shape.inputs;
        for index in 0..shape.depth {
            let is_last = index + 1 == shape.depth;
            let outputs = if is_last { features } else { shape.width };
            let name = format!("blocks.{index}");
            blocks.push(Block {
                linear: layers.linear(&format!("{name}.linear"), fan_in, outputs)?,
                norm: Normalize::new(variant.norm, outputs, &format!("{name}.norm"), &mut layers)?,
            });
            fan_in = outputs;
        }
        let classifier = match variant.classifier {
            Classifier::Learned => layers.linear("classifier", fan_in, classes)?,
            Classifier::Etf => {
                let frame = simplex_etf(classes, features)?;
                let frame = Tensor::from_vec(frame, (classes, features), device)?;
                let weight = Var::from_tensor(&frame.t()?.contiguous()?.to_dtype(dtype)?)?;
                let bias = Var::zeros(classes, dtype, device)?;
                let fixed = [&weight, &bias].map(Var::as_detached_tensor);
                layers
                    .buffers
                    .push(("classifier.weight".to_owned(), weight));
                layers.buffers.push(("classifier.bias".to_owned(), bias));
                fixed
            }
        };
        Ok(Self {
            blocks,
            activation: variant.activation,
            variables: layers.with_classifier(classifier),
        })
    }
}

impl Block {
    fn forward(&self, x: &Tensor, activation: Activation, train: bool) -> Result<Tensor> {
        let products = linear(&x.contiguous()?, &self.linear)?;
        let normalised = self.norm.forward(&products, train)?;
        match activation {
            Activation::Relu => normalised.relu(),
            Activation::Sigmoid => candle_nn::ops::sigmoid(&normalised),
        }
    }
}

impl Model for Mlp {
    /// With batch normalisation, `train` needs at least two samples. The batch is normalised by its
    /// biased variance; the running variance is unbiased.
    fn forward(&self, batch: &Tensor, train: bool) -> Result<Output> {
        if matches!(self.blocks[0].norm, Normalize::Batch(_)) {
            check_batch(batch, train)?;
        }
        let mut features = batch.clone();
        for block in &self.blocks {
            features = block.forward(&features, self.activation, train)?;
        }
        let logits = linear(&features.contiguous()?, &self.variables.classifier)?;
        Ok(Output { features, logits })
    }

    /// The output of every block, after the activation: `blocks.0`, `blocks.1` and so on. The last
    /// one is the penultimate features.
    fn forward_layers(&self, batch: &Tensor) -> Result<Option<Vec<(String, Tensor)>>> {
        let mut layers: Vec<(String, Tensor)> = Vec::with_capacity(self.blocks.len());
        for (index, block) in self.blocks.iter().enumerate() {
            let input = layers.last().map_or(batch, |(_, output)| output);
            let output = block.forward(input, self.activation, false)?;
            layers.push((format!("blocks.{index}"), output));
        }
        Ok(Some(layers))
    }

    fn variables(&self) -> &Variables {
        &self.variables
    }
}
