//! The specification of a run: all settings that determine its result.

use memdil_data::{DataSpec, LabelNoise};
use memdil_losses::Loss;
use serde::{Deserialize, Serialize};

use super::model::{ModelSpec, NormSpec};
use super::optimizer::OptimizerSpec;
use super::schedule::ScheduleSpec;
use crate::error::RecordError;
use crate::range::{at_least_one, check, not_negative, plain_name};

/// All settings that determine the result of a run. Paths, threads and devices are not among them.
///
/// The specification that is saved with a run has no hidden defaults:
/// [`resolve`](Self::resolve) fills in the settings that a file may omit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Name of the experiment; runs of one experiment are compared with each other.
    pub experiment: String,
    /// Seed of noise, split, initialisation and shuffling, each with its own random stream.
    pub seed: u64,
    /// Training loss.
    pub loss: Loss,
    /// Images, classes, input form, validation split.
    pub data: DataSpec,
    /// Noise in the training labels.
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

/// The length of the training, and the epochs at which metrics are computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSpec {
    /// Number of passes over the training set.
    pub epochs: usize,
    /// Samples per batch; the last, partial batch is kept. Batch normalisation needs at least two.
    pub batch_size: usize,
    /// Interval in epochs at which metrics are computed; they are always computed after the
    /// last epoch.
    pub evaluate_every: usize,
    /// Additional epochs after which metrics are computed, in increasing order. A claim about
    /// the course of training needs many early evaluations. Epochs after the last one have no
    /// effect. Default: empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluate_at: Vec<usize>,
    /// $\lambda_h$ of the penalty $\frac{\lambda_h}{2n} \sum_i \lVert h_i \rVert^2$ that a batch of
    /// n samples with penultimate features $h_i$ adds to the loss, as in the layer-peeled model;
    /// default: 0.
    #[serde(default)]
    pub feature_decay: f64,
    /// Whether every evaluation also measures the layers of the network
    /// ([`LayerRecord`](crate::LayerRecord)); default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub evaluate_layers: bool,
    /// Whether every evaluation also measures the norm of the gradient of loss and penalties over
    /// the samples trained on; needs SGD without Nesterov's momentum, no augmentation, and a
    /// multilayer perceptron without batch normalisation; default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub evaluate_gradient: bool,
}

impl TrainingSpec {
    /// Whether metrics are computed after this epoch, counted from one.
    pub fn is_evaluated(&self, epoch: usize) -> bool {
        epoch.is_multiple_of(self.evaluate_every)
            || epoch == self.epochs
            || self.evaluate_at.contains(&epoch)
    }

    /// The number of epochs at which metrics are computed.
    pub fn evaluations(&self) -> usize {
        (1..=self.epochs)
            .filter(|&epoch| self.is_evaluated(epoch))
            .count()
    }

    fn validate(&self, smallest_batch: usize) -> Result<(), RecordError> {
        at_least_one("training.epochs", self.epochs)?;
        let range = match smallest_batch {
            2 => "at least 2",
            _ => "at least 1",
        };
        let (size, at) = (self.batch_size, &self.evaluate_at);
        check(size >= smallest_batch, "training.batch_size", size, range)?;
        at_least_one("training.evaluate_every", self.evaluate_every)?;
        let increasing = at.is_sorted_by(|a, b| a < b) && at.first() != Some(&0);
        let range = "increasing epochs, the first at least 1";
        check(increasing, "training.evaluate_at", format!("{at:?}"), range)?;
        not_negative("training.feature_decay", self.feature_decay)
    }
}

impl RunSpec {
    /// Fills in omitted settings that are derived from others: `model.features`, the classifier's
    /// weight decay, and the transition matrix of forward correction, which is that of the noise.
    pub fn resolve(&mut self) {
        if let Loss::ForwardCorrection { transition } = &mut self.loss
            && transition.is_empty()
        {
            *transition = self
                .noise
                .expected_transition(self.data.classes.len())
                .unwrap_or_default();
        }
        self.model.resolve(self.network_classes());
        self.optimizer.resolve();
    }

    /// The number of classes of the network: that of the data, or twice that number if the noise
    /// creates latent classes.
    pub fn network_classes(&self) -> usize {
        let latent = matches!(self.noise, LabelNoise::LatentClass { .. });
        self.data.classes.len() * if latent { 2 } else { 1 }
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`RecordError::OutOfRange`] that names the first setting out of its range, or the error of
    /// the data or loss crate.
    pub fn validate(&self) -> Result<(), RecordError> {
        plain_name("experiment", &self.experiment)?;
        self.loss.validate()?;
        let classes = self.data.classes.len();
        if let Loss::ForwardCorrection { transition } = &self.loss {
            let rows = transition.len();
            let range = "one row per class of data.classes";
            let shown = format!("{rows} rows");
            check(rows == classes, "loss.transition", shown, range)?;
        }
        self.data.validate()?;
        self.noise.validate_for(classes)?;
        self.model.validate(self.network_classes())?;
        self.optimizer.validate()?;
        self.schedule.validate(self.optimizer.learning_rate())?;
        self.validate_gradient()?;
        self.training.validate(self.model.smallest_batch())
    }

    /// The gradient over all samples is defined only if no sample depends on others or on random
    /// numbers; it is measured by a step of SGD.
    fn validate_gradient(&self) -> Result<(), RecordError> {
        let sgd = matches!(
            self.optimizer,
            OptimizerSpec::Sgd {
                nesterov: false,
                ..
            }
        );
        let independent = matches!(&self.model, ModelSpec::Mlp(mlp) if mlp.norm != NormSpec::Batch);
        let defined = sgd && independent && self.data.augment.is_none();
        let measured = self.training.evaluate_gradient;
        let range = "false unless the optimiser is SGD without Nesterov's momentum, data.augment is \
                     omitted, and the network is a multilayer perceptron without batch normalisation";
        check(
            defined || !measured,
            "training.evaluate_gradient",
            measured,
            range,
        )
    }
}

#[cfg(test)]
mod tests;
