//! The specification of a run: everything that decides its numbers.

use memdil_data::{DataSpec, LabelNoise};
use memdil_losses::Loss;
use serde::{Deserialize, Serialize};

use crate::RecordError;

/// Everything that decides the numbers of a run. Paths, threads and devices are no part of it.
///
/// There are no hidden defaults: what is saved with a run is what ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Experiment the run belongs to; runs of one experiment are compared with each other.
    pub experiment: String,
    /// Seeds noise, split, initialisation and shuffling, each through its own stream.
    pub seed: u64,
    /// Training loss.
    pub loss: Loss,
    /// Images, classes, input form, validation split.
    pub data: DataSpec,
    /// What happens to the training labels.
    pub noise: LabelNoise,
    /// Network.
    pub model: ModelSpec,
    /// Optimiser.
    pub optimizer: OptimizerSpec,
    /// Learning-rate schedule.
    pub schedule: ScheduleSpec,
    /// Length of the training.
    pub training: TrainingSpec,
}

/// Which network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSpec {
    /// The fully connected network of the paper's MLP experiments.
    Mlp(MlpSpec),
}

/// `depth` blocks of Linear, BatchNorm, ReLU and a linear classifier; the last block has one feature a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpSpec {
    /// Number of blocks, 2 to 1000: `depth - 1` of `width`, then one of K features.
    pub depth: usize,
    /// Units in a hidden block, 1 to 65536.
    pub width: usize,
}

/// Which optimiser updates the parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Stochastic gradient descent, $v \leftarrow \mu v + (g + \lambda p)$, $p \leftarrow p - \eta v$
    /// (weight decay coupled, on every parameter).
    Sgd {
        /// Initial learning rate.
        learning_rate: f64,
        /// Momentum $\mu$, in `[0, 1)`.
        momentum: f64,
        /// Weight decay $\lambda$.
        weight_decay: f64,
    },
}

/// How the learning rate changes from epoch to epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleSpec {
    /// Multiplied by `gamma` every `patience` epochs.
    Step {
        /// Epochs between two steps.
        patience: usize,
        /// Factor of a step, in `(0, 1]`.
        gamma: f64,
    },
}

/// Length of the training and how often metrics are taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSpec {
    /// Passes over the training set.
    pub epochs: usize,
    /// Samples in a batch; the last, partial batch is kept.
    pub batch_size: usize,
    /// Metrics are taken every so many epochs, and after the last.
    pub evaluate_every: usize,
}

impl RunSpec {
    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`RecordError::OutOfRange`] naming the first setting that is out of range, or the error of the data
    /// or loss crate.
    pub fn validate(&self) -> Result<(), RecordError> {
        let known = !self.experiment.is_empty()
            && self.experiment.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        check(known, "experiment", &self.experiment, "letters, digits, '-' and '_'")?;
        self.loss.validate()?;
        self.data.validate()?;
        self.noise.validate_for(self.data.classes.len())?;
        let ModelSpec::Mlp(mlp) = &self.model;
        check((2..=1000).contains(&mlp.depth), "model.depth", mlp.depth, "2 to 1000")?;
        check((1..=65536).contains(&mlp.width), "model.width", mlp.width, "1 to 65536")?;
        let OptimizerSpec::Sgd { learning_rate, momentum, weight_decay } = self.optimizer;
        check(positive(learning_rate), "optimizer.learning_rate", learning_rate, "positive and finite")?;
        check((0.0..1.0).contains(&momentum), "optimizer.momentum", momentum, "in [0, 1)")?;
        let decays = weight_decay >= 0.0 && weight_decay.is_finite();
        check(decays, "optimizer.weight_decay", weight_decay, "at least 0 and finite")?;
        let ScheduleSpec::Step { patience, gamma } = self.schedule;
        check(patience >= 1, "schedule.patience", patience, "at least 1")?;
        check(gamma > 0.0 && gamma <= 1.0, "schedule.gamma", gamma, "in (0, 1]")?;
        let training = &self.training;
        check(training.epochs >= 1, "training.epochs", training.epochs, "at least 1")?;
        check(training.batch_size >= 2, "training.batch_size", training.batch_size, "at least 2")?;
        check(training.evaluate_every >= 1, "training.evaluate_every", training.evaluate_every, "at least 1")
    }
}

pub(crate) fn positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

pub(crate) fn check(
    valid: bool,
    name: &'static str,
    value: impl ToString,
    range: &'static str,
) -> Result<(), RecordError> {
    if valid { Ok(()) } else { Err(RecordError::OutOfRange { name, value: value.to_string(), range }) }
}
