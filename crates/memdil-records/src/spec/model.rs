//! The specification of a network.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::RecordError;
use crate::range::{between, check, plain_name};

/// The network that is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSpec {
    /// The fully connected network of the paper's MLP experiments.
    Mlp(MlpSpec),
    /// A residual network with a 3 by 3 stem and no max-pooling.
    #[serde(rename = "resnet")]
    ResNet(ConvolutionalSpec),
    /// A VGG network with batch normalisation and one linear layer, for images of at least 32 by 32
    /// pixels.
    Vgg(ConvolutionalSpec),
    /// A user-defined network that another program builds and passes to the runner.
    Custom(CustomSpec),
}

/// The size of a residual or VGG network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvolutionalSpec {
    /// 18, 34 or 50 for a residual network; 11, 13 or 16 for a VGG network.
    pub depth: usize,
    /// Channels of the first stage, 1 to 1024; default: 64.
    #[serde(default = "standard_width")]
    pub width: usize,
    /// Algorithm of the convolutions on the CPU; default: automatic.
    #[serde(default, skip_serializing_if = "ConvolutionSpec::is_automatic")]
    pub convolution: ConvolutionSpec,
}

/// The algorithm of convolutions on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConvolutionSpec {
    /// Winograd's algorithm in `f32` if it is estimated to be faster for the sizes of the layer,
    /// otherwise the direct sum.
    #[default]
    Automatic,
    /// The sum over all taps of the kernel in every layer.
    Direct,
}

impl ConvolutionSpec {
    fn is_automatic(&self) -> bool {
        *self == Self::Automatic
    }
}

fn standard_width() -> usize {
    64
}

/// The description of a user-defined network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomSpec {
    /// The name of the network: letters, digits, '-' and '_'.
    pub name: String,
    /// Further settings of the network, which a sweep can vary; default: empty.
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// `depth` blocks of Linear, normalisation, activation, and a linear classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpSpec {
    /// Number of blocks, 2 to 1000: `depth - 1` of `width`, then one of `features`.
    pub depth: usize,
    /// Units in a hidden block, 1 to 65536.
    pub width: usize,
    /// Units in the last block (the penultimate features), 1 to 65536; default: the number of
    /// classes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub features: Option<usize>,
    /// Normalisation of every block; default: `batch`.
    #[serde(default)]
    pub norm: NormSpec,
    /// Activation of every block, after the normalisation; default: `relu`.
    #[serde(default)]
    pub activation: ActivationSpec,
    /// The classifier of the features; default: `learned`.
    #[serde(default)]
    pub classifier: ClassifierSpec,
}

/// The normalisation in a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormSpec {
    /// Batch normalisation.
    #[default]
    Batch,
    /// Layer normalisation over the units of a sample.
    Layer,
    /// No normalisation.
    None,
}

/// The activation in a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationSpec {
    /// $\max(0, z)$.
    #[default]
    Relu,
    /// $1/(1 + e^{-z})$.
    Sigmoid,
}

/// The classifier of the features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassifierSpec {
    /// A linear layer that is trained with the network.
    #[default]
    Learned,
    /// A fixed simplex equiangular tight frame with zero bias; needs at least K - 1 `features`.
    Etf,
}

impl ModelSpec {
    /// Whether a convolutional network computes every convolution as a direct sum.
    pub fn has_direct_convolutions(&self) -> bool {
        matches!(self, Self::ResNet(model) | Self::Vgg(model) if model.convolution == ConvolutionSpec::Direct)
    }

    /// Units or channels of the first layer; `None` for a user-defined network.
    pub fn width(&self) -> Option<usize> {
        match self {
            Self::Mlp(mlp) => Some(mlp.width),
            Self::ResNet(network) | Self::Vgg(network) => Some(network.width),
            Self::Custom(_) => None,
        }
    }

    /// The smallest batch size that can be trained on: batch normalisation needs two samples.
    pub fn smallest_batch(&self) -> usize {
        match self {
            Self::Mlp(mlp) if mlp.norm != NormSpec::Batch => 1,
            Self::Custom(_) => 1,
            _ => 2,
        }
    }

    pub(crate) fn resolve(&mut self, classes: usize) {
        if let Self::Mlp(mlp) = self {
            mlp.features.get_or_insert(classes);
        }
    }

    pub(crate) fn validate(&self, classes: usize) -> Result<(), RecordError> {
        match self {
            Self::Mlp(mlp) => mlp.validate(classes),
            Self::ResNet(network) => network.validate(&[18, 34, 50], "18, 34 or 50"),
            Self::Vgg(network) => network.validate(&[11, 13, 16], "11, 13 or 16"),
            Self::Custom(custom) => plain_name("model.name", &custom.name),
        }
    }
}

impl ConvolutionalSpec {
    fn validate(&self, depths: &[usize], range: &'static str) -> Result<(), RecordError> {
        let valid = depths.contains(&self.depth);
        check(valid, "model.depth", self.depth, range)?;
        between("model.width", self.width, 1..=1024, "1 to 1024")
    }
}

/// `MLP 4×64`, `ResNet-18×64`, `VGG-11×64`, or the name of a user-defined network.
impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mlp(MlpSpec { depth, width, .. }) => write!(f, "MLP {depth}×{width}"),
            Self::ResNet(ConvolutionalSpec { depth, width, .. }) => {
                write!(f, "ResNet-{depth}×{width}")
            }
            Self::Vgg(ConvolutionalSpec { depth, width, .. }) => write!(f, "VGG-{depth}×{width}"),
            Self::Custom(custom) => f.write_str(&custom.name),
        }
    }
}

impl MlpSpec {
    fn validate(&self, classes: usize) -> Result<(), RecordError> {
        let features = self.features.unwrap_or(classes);
        between("model.depth", self.depth, 2..=1000, "2 to 1000")?;
        between("model.width", self.width, 1..=65536, "1 to 65536")?;
        between("model.features", features, 1..=65536, "1 to 65536")?;
        let fits = self.classifier == ClassifierSpec::Learned || features + 1 >= classes;
        let range = "at least the number of classes minus one for classifier = \"etf\"";
        check(fits, "model.features", features, range)
    }
}
