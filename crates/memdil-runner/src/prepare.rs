//! Loads the samples and labels of a specification, before anything is written.

use std::path::PathBuf;

use memdil_data::split::validation_split;
use memdil_data::{DataError, Dataset, Inputs, LabelNoise, NoisyLabels, load};
use memdil_records::RunSpec;

use crate::error::RunnerError;

/// Images, labels and split of a run.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The training images.
    pub train_inputs: Inputs,
    /// The test images.
    pub test_inputs: Inputs,
    /// Clean and observed labels of all training images.
    pub labels: NoisyLabels,
    /// Clean labels of the test images.
    pub test_labels: Vec<u32>,
    /// Indices of the training images that are trained on.
    pub train: Vec<usize>,
    /// Indices of the training images that are held out for validation.
    pub validation: Vec<usize>,
    /// The minority classes; empty without `data.imbalance`.
    pub minority: Vec<usize>,
}

impl Prepared {
    /// Loads the data, injects label noise into the whole training set, then holds out the
    /// validation share, so that the held-out labels are noisy too, as in the paper's protocol.
    /// Samples that rebalancing drops are neither trained on nor held out.
    ///
    /// # Errors
    ///
    /// The error of the data crate, [`RunnerError::LatentClasses`] for a file whose labels have
    /// more classes than the network, or [`RunnerError::BatchOfOne`].
    pub fn new(spec: &RunSpec, data_dirs: &[PathBuf]) -> Result<Self, RunnerError> {
        Self::with_noise(spec, &spec.noise, data_dirs)
    }

    /// Like [`Prepared::new`], but with the given noise instead of the specification's.
    pub(crate) fn with_noise(
        spec: &RunSpec,
        noise: &LabelNoise,
        data_dirs: &[PathBuf],
    ) -> Result<Self, RunnerError> {
        let Dataset {
            mean,
            std,
            train,
            test,
            ..
        } = load(&spec.data, data_dirs)?;
        let train_inputs = Inputs::new(train.images, &mean, &std, spec.data.input)?;
        let classes = spec.data.classes.len();
        let labels = noise.inject_with_images(&train.labels, &train_inputs, classes, spec.seed)?;
        let classes = spec.network_classes();
        if labels.observed_classes() != classes {
            return Err(RunnerError::LatentClasses {
                observed: labels.observed_classes(),
                classes,
            });
        }
        let (n, fraction) = (train.labels.len(), spec.data.validation);
        let (mut trained_on, mut validation) = validation_split(n, fraction, spec.seed)?;
        trained_on.retain(|&i| labels.is_kept(i));
        validation.retain(|&i| labels.is_kept(i));
        if trained_on.is_empty() {
            return Err(DataError::EmptySplit {
                fraction,
                n: validation.len(),
            }
            .into());
        }
        let batch_size = spec.training.batch_size;
        if spec.model.smallest_batch() > 1 && trained_on.len() % batch_size == 1 {
            return Err(RunnerError::BatchOfOne {
                samples: trained_on.len(),
                batch_size,
            });
        }
        Ok(Self {
            train_inputs,
            test_inputs: Inputs::new(test.images, &mean, &std, spec.data.input)?,
            labels,
            test_labels: test.labels,
            train: trained_on,
            validation,
            minority: spec
                .data
                .imbalance
                .map(|imbalance| imbalance.minority_classes(spec.data.classes.len()))
                .unwrap_or_default(),
        })
    }

    /// The observed labels of some training images, with which the network is trained.
    pub(crate) fn observed(&self, indices: &[usize]) -> Vec<u32> {
        let labels = self.labels.observed();
        indices.iter().map(|&i| labels[i]).collect()
    }
}
