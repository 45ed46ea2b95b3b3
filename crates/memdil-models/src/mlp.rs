//! The fully connected network of the paper's MLP experiments.

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{BatchNorm, ModuleT};
use rand_chacha::ChaCha8Rng;

use crate::init::uniform_fan_in;

/// PyTorch's default; the momentum of the running statistics, 0.1, is candle's default too.
const BATCH_NORM_EPS: f64 = 1e-5;

/// Sizes of an [`Mlp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MlpShape {
    /// Values of an input sample.
    pub inputs: usize,
    /// Blocks of Linear, BatchNorm, ReLU: `depth - 1` of `width` units, then one of `features`.
    pub depth: usize,
    /// Units in a hidden block.
    pub width: usize,
    /// Units in the last block: the penultimate features.
    pub features: usize,
    /// Logits.
    pub classes: usize,
}

/// What a network says about a batch.
#[derive(Clone, Debug)]
pub struct Output {
    /// Penultimate features after the last ReLU, (n, d).
    pub features: Tensor,
    /// Logits, (n, K).
    pub logits: Tensor,
}

/// `[Linear, BatchNorm, ReLU] x depth`, then a linear classifier (Nguyen et al. 2023).
///
/// Weights are kept as (inputs, outputs), so that the forward product needs no transpose.
#[derive(Clone, Debug)]
pub struct Mlp {
    blocks: Vec<Block>,
    classifier: Linear,
    parameters: Vec<(String, Var)>,
    statistics: Vec<(String, Var)>,
}

#[derive(Clone, Debug)]
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

#[derive(Clone, Debug)]
struct Block {
    linear: Linear,
    norm: BatchNorm,
}

impl Mlp {
    /// A network with PyTorch's default initialisation: weights and biases uniform on ±1/√fan_in, batch
    /// normalisation the identity.
    ///
    /// # Errors
    ///
    /// candle's error when `depth` is 0, a size is 0, or the device cannot hold the parameters.
    pub fn new(shape: MlpShape, rng: &mut ChaCha8Rng, dtype: DType, device: &Device) -> Result<Self> {
        let MlpShape { inputs, depth, width, features, classes } = shape;
        if [inputs, depth, width, features, classes].contains(&0) {
            candle_core::bail!("a network of {shape:?}: every size must be at least 1");
        }
        let mut parameters = Vec::new();
        let mut statistics = Vec::new();
        let mut linear = |name: &str, fan_in: usize, outputs: usize, parameters: &mut Vec<(String, Var)>| {
            let weight = uniform_fan_in((fan_in, outputs), fan_in, rng, dtype, device)?;
            let bias = uniform_fan_in(outputs, fan_in, rng, dtype, device)?;
            let layer = Linear { weight: weight.as_tensor().clone(), bias: bias.as_tensor().clone() };
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
            let [gamma, variance] = [Var::ones(outputs, dtype, device)?, Var::ones(outputs, dtype, device)?];
            let [beta, mean] = [Var::zeros(outputs, dtype, device)?, Var::zeros(outputs, dtype, device)?];
            let norm = BatchNorm::new(
                outputs,
                mean.as_tensor().clone(),
                variance.as_tensor().clone(),
                gamma.as_tensor().clone(),
                beta.as_tensor().clone(),
                BATCH_NORM_EPS,
            )?;
            parameters.push((format!("{name}.norm.weight"), gamma));
            parameters.push((format!("{name}.norm.bias"), beta));
            statistics.push((format!("{name}.norm.running_mean"), mean));
            statistics.push((format!("{name}.norm.running_var"), variance));
            blocks.push(Block { linear: layer, norm });
            fan_in = outputs;
        }
        let classifier = linear("classifier", fan_in, classes, &mut parameters)?;
        Ok(Self { blocks, classifier, parameters, statistics })
    }

    /// Features and logits of a batch.
    ///
    /// With `train` the batch's own statistics normalise it and the running ones are updated (biased variance for
    /// the batch, unbiased for the running one); without, the running statistics normalise.
    ///
    /// # Shapes
    ///
    /// `batch` (n, inputs), at least two samples when `train`.
    ///
    /// # Errors
    ///
    /// candle's error when the shape or type does not fit, or a training batch holds a single sample.
    pub fn forward(&self, batch: &Tensor, train: bool) -> Result<Output> {
        if train && batch.dim(0)? < 2 {
            candle_core::bail!("a training batch of one sample has no variance to normalise by");
        }
        let mut features = batch.clone();
        for block in &self.blocks {
            features = block.norm.forward_t(&block.linear.forward(&features)?, train)?.relu()?;
        }
        let logits = self.classifier.forward(&features)?;
        Ok(Output { features, logits })
    }

    /// Everything that is trained, by name, from the input to the classifier.
    pub fn parameters(&self) -> &[(String, Var)] {
        &self.parameters
    }

    /// Running means and variances: saved with the model, never trained or decayed.
    pub fn statistics(&self) -> &[(String, Var)] {
        &self.statistics
    }

    /// Weights of the classifier, (features, classes).
    pub fn classifier_weight(&self) -> &Tensor {
        &self.classifier.weight
    }

    /// Bias of the classifier, (classes).
    pub fn classifier_bias(&self) -> &Tensor {
        &self.classifier.bias
    }
}

impl Linear {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.matmul(&self.weight)?.broadcast_add(&self.bias)
    }
}
