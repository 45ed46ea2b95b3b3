//! The options of a run.

use std::path::PathBuf;
use std::time::Duration;

/// The options of a run that are not part of its specification. Except for the rounding of the
/// device, they do not change its results.
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
    /// Folders that are searched for data sets before the default folders.
    pub data_dirs: Vec<PathBuf>,
    /// Time between checkpoints; zero for a checkpoint after every batch.
    pub checkpoint_every: Duration,
    /// Whether an event file for TensorBoard is written after every epoch.
    pub tensorboard: bool,
    /// Whether [`evaluate_run`](crate::evaluate_run) also measures the layers of a run whose
    /// settings do not request it.
    pub layers: bool,
    /// The folder to which [`evaluate_run`](crate::evaluate_run) writes the outputs of the layers,
    /// one archive per layer.
    pub layers_out: Option<PathBuf>,
}

impl RunOptions {
    /// Options for a device: data in the default folders, a checkpoint every 30 seconds, no file
    /// for TensorBoard.
    pub fn new(device: impl Into<String>) -> Self {
        Self {
            device: device.into(),
            data_dirs: Vec::new(),
            checkpoint_every: Duration::from_secs(30),
            tensorboard: false,
            layers: false,
            layers_out: None,
        }
    }

    /// Sets the folders of data sets.
    #[must_use]
    pub fn data_dirs(mut self, data_dirs: impl Into<Vec<PathBuf>>) -> Self {
        self.data_dirs = data_dirs.into();
        self
    }

    /// Sets the time between checkpoints.
    #[must_use]
    pub fn checkpoint_every(mut self, checkpoint_every: Duration) -> Self {
        self.checkpoint_every = checkpoint_every;
        self
    }

    /// Sets whether an event file for TensorBoard is written.
    #[must_use]
    pub fn tensorboard(mut self, tensorboard: bool) -> Self {
        self.tensorboard = tensorboard;
        self
    }

    /// Sets whether an evaluation measures the layers.
    #[must_use]
    pub fn layers(mut self, layers: bool) -> Self {
        self.layers = layers;
        self
    }

    /// Sets the folder for the outputs of the layers.
    #[must_use]
    pub fn layers_out(mut self, layers_out: Option<PathBuf>) -> Self {
        self.layers_out = layers_out;
        self
    }
}
