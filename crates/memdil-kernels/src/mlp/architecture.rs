//! The architecture of a network, and the names and shapes of its tensors.

use crate::error::{KernelError, check_sizes};
use crate::optimizer::Optimizer;

/// The normalisation between a block's product and its activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// Batch normalisation (Ioffe and Szegedy 2015): biased variance of the batch, unbiased in the
    /// running statistics.
    #[default]
    Batch,
    /// Layer normalisation (Ba et al. 2016) over the units of a sample.
    Layer,
    /// No normalisation.
    None,
}

/// The nonlinearity of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// $\max(0, x)$.
    #[default]
    Relu,
    /// $1 / (1 + e^{-x})$.
    Sigmoid,
}

/// The architecture of an [`Mlp`](crate::Mlp): `depth - 1` blocks of `width` units, one block of
/// `features` units, then a linear classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Values per input sample.
    pub inputs: usize,
    /// Blocks of linear map, normalisation and activation, including the block of the features.
    pub depth: usize,
    /// Units of a hidden block.
    pub width: usize,
    /// Units of the last block.
    pub features: usize,
    /// Logits per sample.
    pub classes: usize,
    /// Normalisation of every block.
    pub norm: Norm,
    /// Activation of every block.
    pub activation: Activation,
    /// Whether the classifier is excluded from training.
    pub fixed_classifier: bool,
}

/// The name, shape and role of a tensor of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Name, such as `blocks.0.linear.weight`; a buffer of the optimiser has the buffer's name in
    /// front, as in `momentum.blocks.0.linear.weight`.
    pub name: String,
    /// Rows and columns, or the length of a vector. Weights are (inputs, outputs).
    pub shape: Vec<usize>,
    /// Role in training.
    pub role: TensorRole,
}

impl TensorInfo {
    /// Rows and columns; a vector counts as one row.
    pub(crate) fn rows_and_columns(&self) -> (usize, usize) {
        match self.shape[..] {
            [rows, columns] => (rows, columns),
            _ => (1, self.shape.iter().product()),
        }
    }
}

/// The role of a tensor in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorRole {
    /// A trained parameter, or a parameter of a fixed classifier.
    Parameter,
    /// A running mean or variance.
    Statistic,
    /// A buffer of the optimiser.
    Buffer,
}

/// A tensor of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LayerPart {
    Weight,
    Bias,
    Scale,
    Shift,
    RunningMean,
    RunningVariance,
}

impl LayerPart {
    const PARAMETERS: [Self; 4] = [Self::Weight, Self::Bias, Self::Scale, Self::Shift];

    /// Name within a block.
    fn name(self) -> &'static str {
        match self {
            Self::Weight => "linear.weight",
            Self::Bias => "linear.bias",
            Self::Scale => "norm.weight",
            Self::Shift => "norm.bias",
            Self::RunningMean => "norm.running_mean",
            Self::RunningVariance => "norm.running_var",
        }
    }
}

/// The layer and part that a tensor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TensorKey {
    /// Index of a block, counted from the input; the classifier comes last.
    pub(crate) layer: usize,
    pub(crate) part: LayerPart,
    /// Index of a buffer of the part; `None` for the part itself.
    pub(crate) buffer: Option<usize>,
}

impl Architecture {
    /// Number of outputs of a block or of the classifier.
    pub(crate) fn units(&self, layer: usize) -> usize {
        match layer + 1 {
            next if next < self.depth => self.width,
            next if next == self.depth => self.features,
            _ => self.classes,
        }
    }

    /// Number of inputs of a layer.
    pub(crate) fn fan_in(&self, layer: usize) -> usize {
        layer
            .checked_sub(1)
            .map_or(self.inputs, |below| self.units(below))
    }

    /// Rejects sizes of zero.
    pub(crate) fn check(&self) -> Result<(), KernelError> {
        check_sizes(&[
            ("inputs", self.inputs, 1),
            ("depth", self.depth, 1),
            ("width", self.width, 1),
            ("features", self.features, 1),
            ("classes", self.classes, 1),
        ])
    }

    /// All tensors: parameters from the input to the classifier, then running statistics, then
    /// buffers of the optimiser.
    pub(crate) fn tensors(&self, optimizer: Optimizer) -> Vec<(TensorInfo, TensorKey)> {
        let (mut tensors, mut statistics) = (Vec::new(), Vec::new());
        for layer in 0..=self.depth {
            let block = layer < self.depth;
            let parameters = if block && self.norm != Norm::None {
                4
            } else {
                2
            };
            for &part in &LayerPart::PARAMETERS[..parameters] {
                tensors.push(self.tensor(layer, part, TensorRole::Parameter));
            }
            if block && self.norm == Norm::Batch {
                for part in [LayerPart::RunningMean, LayerPart::RunningVariance] {
                    statistics.push(self.tensor(layer, part, TensorRole::Statistic));
                }
            }
        }
        let mut trained = tensors.clone();
        trained.retain(|(_, key)| !self.fixed_classifier || key.layer < self.depth);
        tensors.extend(statistics);
        for (index, kind) in optimizer.buffers().iter().enumerate() {
            for (parameter, key) in &trained {
                let buffer = TensorInfo {
                    name: format!("{kind}.{}", parameter.name),
                    shape: parameter.shape.clone(),
                    role: TensorRole::Buffer,
                };
                let buffer_key = TensorKey {
                    buffer: Some(index),
                    ..*key
                };
                tensors.push((buffer, buffer_key));
            }
        }
        tensors
    }

    fn tensor(&self, layer: usize, part: LayerPart, role: TensorRole) -> (TensorInfo, TensorKey) {
        let name = match (part, layer == self.depth) {
            (LayerPart::Weight, true) => "classifier.weight".to_owned(),
            (_, true) => "classifier.bias".to_owned(),
            (_, false) => format!("blocks.{layer}.{}", part.name()),
        };
        let shape = match part {
            LayerPart::Weight => vec![self.fan_in(layer), self.units(layer)],
            _ => vec![self.units(layer)],
        };
        let key = TensorKey {
            layer,
            part,
            buffer: None,
        };
        (TensorInfo { name, shape, role }, key)
    }
}
