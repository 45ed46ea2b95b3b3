//! What can go wrong with a run or a sweep.

use std::path::{Path, PathBuf};

use memdil_data::DataError;
use memdil_kernels::KernelError;
use memdil_losses::LossError;
use memdil_records::RecordError;

/// A run that cannot start, or that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunnerError {
    /// A configuration file that cannot be read or makes no sense.
    #[error("{}: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A `key=value` override that cannot be applied.
    #[error("setting '{setting}': {reason}")]
    Override {
        /// The override as given.
        setting: String,
        /// What is wrong.
        reason: String,
    },
    /// A specification or a run's file.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A metric that is defined for every evaluation.
    #[error(transparent)]
    Metrics(#[from] memdil_metrics::MetricsError),
    /// The loss.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// A device that is not there.
    #[error("device '{device}': {reason}")]
    Device {
        /// As given.
        device: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A training set that batch normalisation cannot work with.
    #[error(
        "training.batch_size = {batch_size}: {samples} training samples leave a last batch of one, which has no variance; choose another batch size"
    )]
    BatchOfOne {
        /// Samples trained on.
        samples: usize,
        /// The batch size.
        batch_size: usize,
    },
    /// Labels from a file that are of more classes than the network.
    #[error(
        "noise: the labels are of {observed} classes, the network tells {classes} apart; take kind = \"latent_class\" for latent classes"
    )]
    LatentClasses {
        /// Classes of the training labels.
        observed: usize,
        /// Classes of the network.
        classes: usize,
    },
    /// Images that a network halves more often than they can be.
    #[error(
        "model: VGG halves images five times, {height} by {width} pixels are too few: take data.input = \"authors\" (32 by 32) or a ResNet"
    )]
    SmallImages {
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// A network that only the program that builds it can train.
    #[error(
        "model '{name}' is built by a program of its own, with memdil_runner::train_model: run that program"
    )]
    CustomModel {
        /// Its name.
        name: String,
    },
    /// The output folder belongs to a run with other settings.
    #[error("{} holds a run with other settings: choose another output folder or remove this one", path.display())]
    OtherRun {
        /// The folder.
        path: PathBuf,
    },
    /// The output folder belongs to a search with other settings.
    #[error(
        "{} is the history of a search with other settings: choose another output folder, or remove {} and the runs beside it",
        path.display(),
        path.parent().unwrap_or(path).display()
    )]
    OtherSearch {
        /// Its history.
        path: PathBuf,
    },
    /// A search that the sweep does not have.
    #[error("there is no search {index}; the sweep makes searches 0 to {last}")]
    NoSuchSearch {
        /// The requested index.
        index: usize,
        /// The last valid index.
        last: usize,
    },
    /// The library that proposes trials refused what it was told.
    #[error("the sampler of the search cannot handle '{setting}': {reason}")]
    Sampler {
        /// The setting.
        setting: String,
        /// What it says.
        reason: String,
    },
    /// Another process works on the run.
    #[error("{}: another process is working on this run", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// Another machine has taken the work over: it had not heard of this process for minutes.
    #[error("{}: another machine has taken this run over", path.display())]
    Lost {
        /// The folder.
        path: PathBuf,
    },
    /// A line that the manifest does not have.
    #[error("{}: there is no run {index}; the manifest holds runs 0 to {last}", path.display())]
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
        /// How many.
        failed: usize,
        /// Out of how many.
        runs: usize,
        /// Run, log file and last line of the first.
        first: String,
    },
    /// A worker process that could not be started or watched.
    #[error("cannot run a worker process: {0}")]
    Worker(#[source] std::io::Error),
    /// The fused network refuses its input.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// Saved tensors that do not fit the network or its optimiser.
    #[error("{reason}: this was saved from another network or optimiser")]
    State {
        /// Which tensor, and what is wrong with it.
        reason: String,
    },
    /// The labels of a run to be resumed are not those that it was begun with.
    #[error(
        "{}: the run was begun with other labels than its settings give now: put the data back, or remove the run's folder",
        path.display()
    )]
    OtherLabels {
        /// The labels that it was begun with.
        path: PathBuf,
    },
    /// A folder without a network that could be evaluated.
    #[error("{}: {reason}", path.display())]
    NoNetwork {
        /// The folder.
        path: PathBuf,
        /// What is missing and what to do.
        reason: String,
    },
    /// A network that takes its own batches lacks a method that this needs.
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
    /// True when what the user gave is at fault, false when the machine or the program failed.
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

/// A setting that cannot be applied.
pub(crate) fn override_error(setting: &str, reason: impl Into<String>) -> RunnerError {
    RunnerError::Override {
        setting: setting.to_owned(),
        reason: reason.into(),
    }
}

/// A file that could not be written.
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
