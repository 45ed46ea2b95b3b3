//! What the loop of epochs needs of a network.

use std::fmt::Debug;

use memdil_losses::Loss;
use memdil_records::RunSpec;
use ndarray::{Array1, Array2};

use crate::error::RunnerError;
use crate::network::state::{NamedTensor, Tensors};
use crate::prepare::Prepared;

/// Which images of a data set [`Network::forward_samples`] gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageSet {
    /// Those of the training set.
    Train,
    /// Those of the test set.
    Test,
}

/// The loss over the queued steps of an epoch, from [`Network::queued_loss`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum QueuedLoss {
    /// Its sum over the samples so far.
    Sum(f64),
    /// The value that ended the training because it is not a finite number.
    Ended(f64),
}

/// What a network and its optimiser hold: everything that a training step changes.
pub trait NetworkState: Debug {
    /// Weights (K, d) and bias (K) of the classifier.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when the device fails.
    fn classifier(&self) -> Result<(Array2<f32>, Array1<f32>), RunnerError>;

    /// Number of values that are trained.
    fn parameter_count(&self) -> usize;

    /// The tensors of [`model_state`](Self::model_state), one at a time.
    fn model_tensors(&self) -> Tensors<'_>;

    /// The tensors of [`optimizer_state`](Self::optimizer_state), one at a time.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when the device fails.
    fn optimizer_tensors(&self) -> Result<Tensors<'_>, RunnerError>;

    /// Parameters from the input to the classifier, then what is not trained.
    ///
    /// Names are `blocks.0.linear.weight` (inputs, outputs), `blocks.0.linear.bias`,
    /// `blocks.0.norm.weight` and so on, `classifier.weight`, `classifier.bias`,
    /// `blocks.0.norm.running_mean`, `blocks.0.norm.running_var`; a classifier that is not trained
    /// comes last.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when the device fails.
    fn model_state(&self) -> Result<Vec<NamedTensor>, RunnerError> {
        self.model_tensors().collect()
    }

    /// What the optimiser remembers of earlier steps, in the order of the parameters:
    /// `momentum.NAME` for each; Adam's `first_moment.NAME` for each, then `second_moment.NAME`,
    /// then the number of steps, `step`.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when the device fails.
    fn optimizer_state(&self) -> Result<Vec<NamedTensor>, RunnerError> {
        self.optimizer_tensors()?.collect()
    }

    /// Puts back the tensors of [`model_state`](Self::model_state), in any order; on an error
    /// nothing has changed.
    ///
    /// # Errors
    ///
    /// [`RunnerError::State`] when a tensor is missing, unknown, or of another shape.
    fn load_model_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError>;

    /// Puts back the tensors of [`optimizer_state`](Self::optimizer_state), in any order; on an
    /// error nothing has changed.
    ///
    /// # Errors
    ///
    /// [`RunnerError::State`] when a tensor is missing, unknown, or of another shape.
    fn load_optimizer_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError>;
}

/// A network with its optimiser, in training.
///
/// The loop of epochs passes plain slices and gets plain values back, whichever library computes
/// them. [`build_network`](crate::build_network) makes the network of a specification.
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
/// assert!(after < before);
/// let (features, logits) = network.forward(&inputs)?;
/// assert_eq!((features.len(), logits.len()), (4, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Network: NetworkState {
    /// One step on a batch in training mode: loss, gradient, update. Returns the loss before the
    /// update, averaged over the batch, with the penalty on its features where there is one.
    ///
    /// A loss that is not a finite number is returned as it is, and nothing has changed then:
    /// neither parameters nor running statistics nor the optimiser's state.
    ///
    /// # Shapes
    ///
    /// `inputs` row by row, (n, values of a sample); `labels` (n).
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when shapes do not fit, a batch is too small to be normalised, or
    /// the device fails.
    fn step(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &Loss,
        learning_rate: f64,
    ) -> Result<f64, RunnerError>;

    /// Penultimate features and logits in evaluation mode.
    ///
    /// # Shapes
    ///
    /// All row by row: `inputs` (n, values of a sample), features (n, d), logits (n, K).
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when `inputs` does not hold a whole number of samples, or the device
    /// fails.
    fn forward(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), RunnerError>;

    /// Begins or resumes an epoch in a network that takes its batches from its own copy of the
    /// data; `done` are the samples of the epoch so far and the sum of their loss. Steps are then
    /// queued with [`queue_step`](Self::queue_step), and [`queued_loss`](Self::queued_loss) gives the
    /// loss at the end: a network that returns true implements both. False, the default, for a
    /// network that is given its batches.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] when the device fails.
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
    /// [`RunnerError::Kernel`] when the device fails; [`RunnerError::NotQueued`] in a network that
    /// does not implement it.
    fn queue_step(&mut self, _samples: usize) -> Result<(), RunnerError> {
        Err(RunnerError::NotQueued {
            method: "queue_step",
        })
    }

    /// The loss over the queued steps of the epoch.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] when the device fails; [`RunnerError::NotQueued`] in a network that
    /// does not implement it.
    fn queued_loss(&self) -> Result<QueuedLoss, RunnerError> {
        Err(RunnerError::NotQueued {
            method: "queued_loss",
        })
    }

    /// Penultimate features and logits of samples of the data in evaluation mode; `batch` is room
    /// for their inputs.
    ///
    /// # Errors
    ///
    /// Those of [`forward`](Self::forward).
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
