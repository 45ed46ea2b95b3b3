//! The specification of a run: everything that decides its numbers.

use memdil_data::{DataSpec, LabelNoise};
use memdil_losses::Loss;
use serde::{Deserialize, Serialize};

use super::model::ModelSpec;
use super::optimizer::OptimizerSpec;
use super::schedule::ScheduleSpec;
use crate::error::RecordError;
use crate::range::{at_least_one, check, not_negative, plain_name};

/// Everything that decides the numbers of a run. Paths, threads and devices are no part of it.
///
/// There are no hidden defaults: what is saved with a run is what ran ([`resolve`](Self::resolve)
/// writes out what a file may leave out).
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

/// Length of the training and how often metrics are taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSpec {
    /// Passes over the training set.
    pub epochs: usize,
    /// Samples in a batch; the last, partial batch is kept. Batch normalisation needs two.
    pub batch_size: usize,
    /// Metrics are taken every so many epochs, and after the last.
    pub evaluate_every: usize,
    /// More epochs after which metrics are taken, in increasing order: a claim about the course of
    /// training needs many early ones. Those after the last epoch have no effect. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluate_at: Vec<usize>,
    /// $\lambda_h$ of the penalty $\frac{\lambda_h}{2n} \sum_i \lVert h_i \rVert^2$ that a batch of
    /// n samples with penultimate features $h_i$ adds to the loss, as in the layer-peeled model;
    /// left out: 0.
    #[serde(default)]
    pub feature_decay: f64,
}

impl TrainingSpec {
    /// Whether metrics are taken after this epoch, counted from one.
    pub fn is_evaluated(&self, epoch: usize) -> bool {
        epoch.is_multiple_of(self.evaluate_every)
            || epoch == self.epochs
            || self.evaluate_at.contains(&epoch)
    }

    /// The number of evaluations.
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
        let range = "increasing epochs from 1 on";
        check(increasing, "training.evaluate_at", format!("{at:?}"), range)?;
        not_negative("training.feature_decay", self.feature_decay)
    }
}

impl RunSpec {
    /// Writes out the settings that follow from others where they are left out: `model.features`,
    /// the classifier's own weight decay and the transition matrix of forward correction, which is
    /// that of the noise.
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

    /// Classes that the network tells apart: those of the data, or twice as many where the noise
    /// makes latent ones.
    pub fn network_classes(&self) -> usize {
        let latent = matches!(self.noise, LabelNoise::LatentClass { .. });
        self.data.classes.len() * if latent { 2 } else { 1 }
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`RecordError::OutOfRange`] naming the first setting that is out of range, or the error of
    /// the data or loss crate.
    pub fn validate(&self) -> Result<(), RecordError> {
        plain_name("experiment", &self.experiment)?;
        self.loss.validate()?;
        let classes = self.data.classes.len();
        if let Loss::ForwardCorrection { transition } = &self.loss {
            let rows = transition.len();
            let range = "a row for each class of data.classes";
            let shown = format!("{rows} rows");
            check(rows == classes, "loss.transition", shown, range)?;
        }
        self.data.validate()?;
        self.noise.validate_for(classes)?;
        self.model.validate(self.network_classes())?;
        self.optimizer.validate()?;
        self.schedule.validate(self.optimizer.learning_rate())?;
        self.training.validate(self.model.smallest_batch())
    }
}

#[cfg(test)]
mod tests;
