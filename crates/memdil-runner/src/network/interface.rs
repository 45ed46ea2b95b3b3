//! The traits of a network in training.

use std::fmt::Debug;

use memdil_losses::Loss;
use memdil_records::RunSpec;
use ndarray::{Array1, Array2};

use crate::error::RunnerError;
use crate::network::state::{NamedTensor, Tensors};
use crate::prepare::Prepared;

/// The images to which the indices of [`Network::forward_samples`] refer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageSet {
    /// The training set.
    Train,
    /// The test set.
    Test,
}

/// Samples per forward pass of an evaluation, which bounds its memory.
pub(crate) const CHUNK: usize = 512;

/// The output of a layer for a batch, from [`Network::forward_layers`].
#[derive(Clone, Debug, PartialEq)]
pub struct LayerOutput {
    /// Name of the layer.
    pub name: String,
    /// Features (n, width of the layer); those of a convolutional layer are averaged over pixels.
    pub features: Array2<f32>,
}

/// The loss over the queued steps of an epoch, from [`Network::queued_loss`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum QueuedLoss {
    /// The sum of the loss over the samples so far.
    Sum(f64),
    /// A loss that is not finite and ended the training.
    Ended(f64),
}

/// The result of a training step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutput {
    /// Mean loss of the batch before the update, including the penalty on the features if there is
    /// one.
    pub loss: f64,
    /// The logits of the batch in training mode before the update, (n, K) row-major.
    pub logits: Vec<f32>,
}

/// The state of a network and its optimiser: everything that a training step changes.
pub trait NetworkState: Debug {
    /// Weights (K, d) and bias (K) of the classifier.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] if the device fails.
    fn classifier(&self) -> Result<(Array2<f32>, Array1<f32>), RunnerError>;

    /// The number of trainable parameters.
    fn parameter_count(&self) -> usize;

    /// The tensors of [`model_state`](Self::model_state), one at a time.
    fn model_tensors(&self) -> Tensors<'_>;

    /// The tensors of [`optimizer_state`](Self::optimizer_state), one at a time.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] if the device fails.
    fn optimizer_tensors(&self) -> Result<Tensors<'_>, RunnerError>;

    /// The parameters from the input to the classifier, then the tensors that are not trained.
    ///
    /// The names are `blocks.0.linear.weight` (inputs, outputs), `blocks.0.linear.bias`,
    /// `blocks.0.norm.weight` and so on, `classifier.weight`, `classifier.bias`,
    /// `blocks.0.norm.running_mean`, `blocks.0.norm.running_var`. A fixed classifier comes last.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] if the device fails.
    fn model_state(&self) -> Result<Vec<NamedTensor>, RunnerError> {
        self.model_tensors().collect()
    }

    /// The state of the optimiser, in the order of the parameters: `momentum.NAME` for each
    /// parameter, or, for Adam, `first_moment.NAME` for each, then `second_moment.NAME` for
    /// each, then the number of steps, `step`.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] if the device fails.
    fn optimizer_state(&self) -> Result<Vec<NamedTensor>, RunnerError> {
        self.optimizer_tensors()?.collect()
    }

    /// Loads the tensors of [`model_state`](Self::model_state), in any order. On an error, the
    /// state is unchanged.
    ///
    /// # Errors
    ///
    /// [`RunnerError::State`] if a tensor is missing, unknown, or of another shape.
    fn load_model_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError>;

    /// Loads the tensors of [`optimizer_state`](Self::optimizer_state), in any order. On an error,
    /// the state is unchanged.
    ///
    /// # Errors
    ///
    /// [`RunnerError::State`] if a tensor is missing, unknown, or of another shape.
    fn load_optimizer_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError>;
}

/// A network in training, with its optimiser.
///
/// The interface consists of plain slices and values, independent of the library that computes the
/// network. [`build_network`](crate::build_network) builds the network of a specification.
///
/// ```
/// use candle_core::Device;
/// use memdil_runner::{Experiment, build_network};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("config.toml");
/// # std::fs::write(&path, r#"
/// #     experiment = "example"
/// #     seed = 1
/// #     loss = { kind = "cross_entropy" }
/// #     data = { source = "fashion-mnist-embedded", classes = [0, 1], input = "native", validation = 0.0 }
/// #     noise = { kind = "uniform", eta = 0.0 }
/// #     model = { kind = "mlp", depth = 2, width = 8 }
/// #     optimizer = { kind = "sgd", learning_rate = 0.1, momentum = 0.9, weight_decay = 0.0 }
/// #     schedule = { kind = "step", patience = 10, gamma = 0.1 }
/// #     training = { epochs = 1, batch_size = 4, evaluate_every = 1 }
/// # "#)?;
/// let spec = Experiment::load(&path, None, &[])?.run(&[])?;
/// let mut network = build_network(&spec, (1, 1, 3), 2, &Device::Cpu)?;
/// let inputs = [0.5, 1.0, -0.5, 1.0, 0.0, 0.5];
/// let before = network.step(&inputs, &[0, 1], &spec.loss, 0.1)?;
/// let after = network.step(&inputs, &[0, 1], &spec.loss, 0.1)?;
/// assert!(after.loss < before.loss);
/// assert_eq!(after.logits.len(), 4);
/// let (features, logits) = network.forward(&inputs)?;
/// assert_eq!((features.len(), logits.len()), (4, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Network: NetworkState {
    /// One step on a batch in training mode: loss, gradient, update.
    ///
    /// If the loss is not finite it is returned unchanged, and the step changes nothing:
    /// neither parameters, nor running statistics, nor the state of the optimiser.
    ///
    /// # Shapes
    ///
    /// `inputs` in row-major order, (n, values of a sample); `labels` (n).
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] if the shapes do not match, the batch is too small to be
    /// normalised, or the device fails.
    fn step(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &Loss,
        learning_rate: f64,
    ) -> Result<StepOutput, RunnerError>;

    /// Penultimate features and logits in evaluation mode.
    ///
    /// # Shapes
    ///
    /// All in row-major order: `inputs` (n, values of a sample), features (n, d), logits (n, K).
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] if the length of `inputs` is not a multiple of the size of a
    /// sample, or the device fails.
    fn forward(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), RunnerError>;

    /// The outputs of the layers in evaluation mode, from the input to the last layer, in the same
    /// order and sizes for every batch. The default is `None`: the network has no layers to
    /// measure.
    ///
    /// # Shapes
    ///
    /// `inputs` in row-major order, (n, values of a sample).
    ///
    /// # Errors
    ///
    /// The errors of [`forward`](Self::forward).
    fn forward_layers(&mut self, _inputs: &[f32]) -> Result<Option<Vec<LayerOutput>>, RunnerError> {
        Ok(None)
    }

    /// Begins or resumes an epoch of queued steps, in a network with its own copy of the data.
    /// `done` is the number of samples of the epoch so far and the sum of their losses.
    ///
    /// A network that returns true must implement [`queue_step`](Self::queue_step), which queues
    /// the steps of the epoch, and [`queued_loss`](Self::queued_loss) and
    /// [`queued_logits`](Self::queued_logits), which return their results.
    /// The default returns false: the caller then passes every batch to [`step`](Self::step).
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] if the device fails.
    fn begin_epoch(
        &mut self,
        _spec: &RunSpec,
        _data: &Prepared,
        _order: &[usize],
        _done: (usize, f64),
        _learning_rate: f64,
    ) -> Result<bool, RunnerError> {
        Ok(false)
    }

    /// Queues a step on the next samples of the epoch.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] if the device fails; [`RunnerError::NotQueued`] if the network does
    /// not implement the method.
    fn queue_step(&mut self, _samples: usize) -> Result<(), RunnerError> {
        Err(RunnerError::NotQueued {
            method: "queue_step",
        })
    }

    /// The loss over the queued steps of the epoch so far.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] if the device fails; [`RunnerError::NotQueued`] if the network does
    /// not implement the method.
    fn queued_loss(&self) -> Result<QueuedLoss, RunnerError> {
        Err(RunnerError::NotQueued {
            method: "queued_loss",
        })
    }

    /// The logits of the queued steps of the epoch in the order of their samples, from the sample at
    /// position `from` of the order on, (samples, K) row-major; see [`StepOutput::logits`].
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] if the device fails; [`RunnerError::NotQueued`] if the network does
    /// not implement the method.
    fn queued_logits(&self, _from: usize) -> Result<Vec<f32>, RunnerError> {
        Err(RunnerError::NotQueued {
            method: "queued_logits",
        })
    }

    /// Penultimate features and logits of some samples of the data in evaluation mode; `batch` is a
    /// reusable buffer for their inputs.
    ///
    /// # Errors
    ///
    /// The errors of [`forward`](Self::forward).
    fn forward_samples(
        &mut self,
        data: &Prepared,
        set: ImageSet,
        indices: &[usize],
        batch: &mut Vec<f32>,
    ) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        let inputs = match set {
            ImageSet::Train => &data.train_inputs,
            ImageSet::Test => &data.test_inputs,
        };
        batch.resize(indices.len() * inputs.values_per_sample(), 0.0);
        inputs.fill(indices, batch);
        self.forward(batch)
    }
}
