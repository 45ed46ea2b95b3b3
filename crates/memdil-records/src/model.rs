//! The network of a run.

use serde::{Deserialize, Serialize};

use crate::RecordError;
use crate::spec::check;

/// Which network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSpec {
    /// The fully connected network of the paper's MLP experiments.
    Mlp(MlpSpec),
}

/// `depth` blocks of Linear, normalisation, activation, and a linear classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpSpec {
    /// Number of blocks, 2 to 1000: `depth - 1` of `width`, then one of `features`.
    pub depth: usize,
    /// Units in a hidden block, 1 to 65536.
    pub width: usize,
    /// Units in the last block, the penultimate features, 1 to 65536; left out: as many as classes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub features: Option<usize>,
    /// Normalisation of every block; left out: `batch`.
    #[serde(default)]
    pub norm: NormSpec,
    /// Activation of every block, after its normalisation; left out: `relu`.
    #[serde(default)]
    pub activation: ActivationSpec,
    /// What reads the features; left out: `learned`.
    #[serde(default)]
    pub classifier: ClassifierSpec,
}

/// What normalises the values of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormSpec {
    /// Batch normalisation.
    #[default]
    Batch,
    /// Layer normalisation over the units of a sample.
    Layer,
    /// Nothing.
    None,
}

/// What follows the normalisation of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationSpec {
    /// $\max(0, z)$.
    #[default]
    Relu,
    /// $1/(1 + e^{-z})$.
    Sigmoid,
}

/// What reads the features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassifierSpec {
    /// A linear layer, trained with the rest.
    #[default]
    Learned,
    /// A simplex equiangular tight frame with zero bias that stays as it is; needs `features` of at least K - 1.
    Etf,
}

impl ModelSpec {
    pub(crate) fn resolve(&mut self, classes: usize) {
        let Self::Mlp(mlp) = self;
        mlp.features.get_or_insert(classes);
    }

    pub(crate) fn validate(&self, classes: usize) -> Result<(), RecordError> {
        let Self::Mlp(mlp) = self;
        let features = mlp.features.unwrap_or(classes);
        check((2..=1000).contains(&mlp.depth), "model.depth", mlp.depth, "2 to 1000")?;
        check((1..=65536).contains(&mlp.width), "model.width", mlp.width, "1 to 65536")?;
        check((1..=65536).contains(&features), "model.features", features, "1 to 65536")?;
        let fits = mlp.classifier == ClassifierSpec::Learned || features + 1 >= classes;
        check(fits, "model.features", features, "at least the number of classes less one for classifier = \"etf\"")
    }
}
