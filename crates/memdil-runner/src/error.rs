//! Errors of runs, sweeps and searches.

use std::path::{Path, PathBuf};

use memdil_data::DataError;
use memdil_kernels::KernelError;
use memdil_losses::LossError;
use memdil_records::RecordError;

/// A run that cannot start, or that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunnerError {
    /// A configuration file that cannot be read or is invalid.
    #[error("{}: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The reason and the remedy.
        reason: String,
    },
    /// A `key=value` override that cannot be applied.
    #[error("setting '{setting}': {reason}")]
    Override {
        /// The override as given.
        setting: String,
        /// The reason.
        reason: String,
    },
    /// An error of a specification or of a file of a run.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// An error of the data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An error of a metric that should be defined for every evaluation.
    #[error(transparent)]
    Metrics(#[from] memdil_metrics::MetricsError),
    /// An error of the loss.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// A device that cannot be opened.
    #[error("device '{device}': {reason}")]
    Device {
        /// The name of the device as given.
        device: String,
        /// The reason and the remedy.
        reason: String,
    },
    /// A last batch of a single sample, which batch normalisation does not support.
    #[error(
        "training.batch_size = {batch_size}: the last batch of {samples} training samples has a single sample and no variance; choose another batch size"
    )]
    BatchOfOne {
        /// The number of training samples.
        samples: usize,
        /// The batch size.
        batch_size: usize,
    },
    /// Labels from a file that have more classes than the network.
    #[error(
        "noise: the labels have {observed} classes, but the network has {classes}; use kind = \"latent_class\" for latent classes"
    )]
    LatentClasses {
        /// The number of classes of the training labels.
        observed: usize,
        /// The number of classes of the network.
        classes: usize,
    },
    /// Images that are too small for the network.
    #[error(
        "model: VGG halves images five times, so {height} by {width} pixels are too few; use data.input = \"authors\" (32 by 32) or a ResNet"
    )]
    SmallImages {
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// A user-defined network, which can be trained only by the program that builds it.
    #[error(
        "model '{name}' is user-defined; run the program that trains it with memdil_runner::train_model"
    )]
    CustomModel {
        /// The name of the network.
        name: String,
    },
    /// A network whose layers cannot be measured.
    #[error(
        "model '{name}': the network has no layers to measure; implement Model::forward_layers, or measure without layers (training.evaluate_layers = false)"
    )]
    NoLayers {
        /// The network.
        name: String,
    },
    /// A network whose layers differ between two batches.
    #[error(
        "model '{name}': Model::forward_layers returned {found}; it must return the same layers for every batch, one row per sample"
    )]
    ChangedLayers {
        /// The network.
        name: String,
        /// The deviation.
        found: String,
    },
    /// The output folder belongs to a run with other settings.
    #[error("{}: contains a run with other settings; choose another output folder or remove this one", path.display())]
    OtherRun {
        /// The folder.
        path: PathBuf,
    },
    /// The output folder belongs to a search with other settings.
    #[error(
        "{}: is the history of a search with other settings; choose another output folder, or remove {} and the retrained runs",
        path.display(),
        path.parent().unwrap_or(path).display()
    )]
    OtherSearch {
        /// The history of that search.
        path: PathBuf,
    },
    /// The index of a search that does not exist.
    #[error("there is no search {index}; the sweep has searches 0 to {last}")]
    NoSuchSearch {
        /// The requested index.
        index: usize,
        /// The last valid index.
        last: usize,
    },
    /// The sampler of a search cannot use a range or the value of a trial.
    #[error("search.space: '{setting}': the sampler failed: {reason}")]
    Sampler {
        /// The setting.
        setting: String,
        /// The reason.
        reason: String,
    },
    /// Another process works on the run.
    #[error("{}: another process is working on this run; wait until it ends", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// Another machine has taken over the run, because this process did not renew its lease in
    /// time.
    #[error("{}: another machine has taken over this run; it continues there", path.display())]
    Lost {
        /// The folder.
        path: PathBuf,
    },
    /// The index of a run that the manifest does not have.
    #[error("{}: there is no run {index}; the manifest has runs 0 to {last}", path.display())]
    NoSuchLine {
        /// The manifest.
        path: PathBuf,
        /// The requested index.
        index: usize,
        /// The last valid index.
        last: usize,
    },
    /// Worker processes that ended without a finished run.
    #[error("{failed} of {runs} runs failed; first: {first}")]
    Workers {
        /// The number of failed runs.
        failed: usize,
        /// The number of all runs.
        runs: usize,
        /// The id, log file and last line of the log of the first failed run.
        first: String,
    },
    /// A worker process that could not be started or monitored.
    #[error("cannot run a worker process: {0}")]
    Worker(#[source] std::io::Error),
    /// An error of a fused network.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// Saved tensors that do not match the network or its optimiser.
    #[error("{reason}; the tensors were saved from another network or optimiser")]
    State {
        /// The tensor and the mismatch.
        reason: String,
    },
    /// The labels of a resumed run differ from those that it was started with.
    #[error(
        "{}: differs from the labels that the settings and the data now produce; restore the data, or remove the run's folder",
        path.display()
    )]
    OtherLabels {
        /// The file with the labels that the run was started with.
        path: PathBuf,
    },
    /// A folder without a network to evaluate.
    #[error("{}: {reason}", path.display())]
    NoNetwork {
        /// The folder.
        path: PathBuf,
        /// The reason and the remedy.
        reason: String,
    },
    /// A network that queues its steps does not implement a required method.
    #[error("Network::begin_epoch returned true, but Network::{method} is not implemented")]
    NotQueued {
        /// The missing method.
        method: &'static str,
    },
    /// The tensor library failed.
    #[error("tensor operation failed: {0}")]
    Tensor(#[from] candle_core::Error),
}

impl RunnerError {
    /// True if the user's input is the cause, false for a failure of the machine or the program.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Record(error) => error.is_bad_input(),
            Self::Data(error) => error.is_bad_input(),
            Self::Kernel(error) => !matches!(error, KernelError::Device(_)),
            Self::Busy { .. }
            | Self::Lost { .. }
            | Self::Sampler { .. }
            | Self::Workers { .. }
            | Self::Worker(_)
            | Self::Metrics(_)
            | Self::NotQueued { .. }
            | Self::Tensor(_) => false,
            Self::Config { .. }
            | Self::Override { .. }
            | Self::Loss(_)
            | Self::Device { .. }
            | Self::BatchOfOne { .. }
            | Self::LatentClasses { .. }
            | Self::SmallImages { .. }
            | Self::CustomModel { .. }
            | Self::NoLayers { .. }
            | Self::ChangedLayers { .. }
            | Self::OtherRun { .. }
            | Self::OtherSearch { .. }
            | Self::NoSuchSearch { .. }
            | Self::NoSuchLine { .. }
            | Self::State { .. }
            | Self::OtherLabels { .. }
            | Self::NoNetwork { .. } => true,
        }
    }
}

/// The error of an override that cannot be applied.
pub(crate) fn override_error(setting: &str, reason: impl Into<String>) -> RunnerError {
    RunnerError::Override {
        setting: setting.to_owned(),
        reason: reason.into(),
    }
}

/// The error of a file that could not be written.
pub(crate) fn write_error(path: &Path, cause: impl Into<std::io::Error>) -> RunnerError {
    RecordError::Write {
        path: path.to_owned(),
        cause: cause.into(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_the_machine_are_not_bad_input() {
        let out_of_memory = KernelError::Device("out of memory".to_owned());
        assert!(!RunnerError::from(out_of_memory).is_bad_input());
        let data = DataError::Write {
            path: PathBuf::from("train-labels.gz"),
            cause: std::io::ErrorKind::StorageFull.into(),
        };
        assert!(!RunnerError::from(RecordError::from(data)).is_bad_input());
    }
}
