//! What a run needs beside its specification.

use std::path::PathBuf;
use std::time::Duration;

/// What a run needs beside its specification; apart from the device's rounding, none of it changes
/// its numbers.
///
/// ```
/// use memdil_runner::RunOptions;
///
/// let options = RunOptions::new("cpu").data_dirs(["data".into()]);
/// assert!(!options.tensorboard);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunOptions {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Where data sets are looked for, before the usual places.
    pub data_dirs: Vec<PathBuf>,
    /// A checkpoint is written when this much time has passed since the last one; zero means after
    /// every batch.
    pub checkpoint_every: Duration,
    /// Whether the metrics are also written for TensorBoard, anew after every epoch.
    pub tensorboard: bool,
}

impl RunOptions {
    /// A run on a device: data in the usual places, a checkpoint every 30 seconds.
    pub fn new(device: impl Into<String>) -> Self {
        Self {
            device: device.into(),
            data_dirs: Vec::new(),
            checkpoint_every: Duration::from_secs(30),
            tensorboard: false,
        }
    }

    /// The same with these folders of data sets.
    #[must_use]
    pub fn data_dirs(mut self, data_dirs: impl Into<Vec<PathBuf>>) -> Self {
        self.data_dirs = data_dirs.into();
        self
    }

    /// The same with this time between checkpoints.
    #[must_use]
    pub fn checkpoint_every(mut self, checkpoint_every: Duration) -> Self {
        self.checkpoint_every = checkpoint_every;
        self
    }

    /// The same with or without a file for TensorBoard.
    #[must_use]
    pub fn tensorboard(mut self, tensorboard: bool) -> Self {
        self.tensorboard = tensorboard;
        self
    }
}
