//! The network in training: one seam between the loop of epochs and whatever computes a step.

mod candle;
mod engine;
mod fused;
pub(crate) mod gpu;
mod state;

use candle_core::{DType, Device, DeviceLocation};
use memdil_kernels::gpu::Cuda;
use memdil_losses::Loss;
use memdil_models::{ImageShape, Model};
use memdil_records::{ModelSpec, NormSpec, RunSpec};
use ndarray::{Array1, Array2};

pub use candle::CandleNetwork;
pub use fused::FusedMlp;
pub use gpu::GpuNetwork;
pub use state::NamedTensor;
pub(crate) use state::{Tensors, checksum, read_tensors, write_tensors};

use crate::{Prepared, RunnerError};

/// Builds a network of one's own in f32: from the specification, whose seed should decide the
/// initial values, and the images' shape. Logits are as many as [`RunSpec::network_classes`].
pub type Build<'a> =
    &'a dyn Fn(&RunSpec, ImageShape, &Device) -> candle_core::Result<Box<dyn Model>>;

/// A network with its optimiser: everything that a training step changes.
///
/// The loop of epochs hands in plain slices and gets plain values back; which library computes them
/// is this enum's affair.
///
/// ```
/// use candle_core::Device;
/// use memdil_runner::{Experiment, Network};
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
/// let mut network = Network::new(&spec, (1, 1, 3), 2, &Device::Cpu)?;
/// let inputs = [0.5, 1.0, -0.5, 1.0, 0.0, 0.5];
/// let before = network.step(&inputs, &[0, 1], &spec.loss, 0.1)?;
/// let after = network.step(&inputs, &[0, 1], &spec.loss, 0.1)?;
/// assert!(after < before);
/// let (features, logits) = network.forward(&inputs)?;
/// assert_eq!((features.len(), logits.len()), (4, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Network {
    /// The fused step of memdil-kernels, on the processor.
    Fused(Box<FusedMlp>),
    /// The kernels of memdil-kernels on a GPU.
    Gpu(Box<GpuNetwork>),
    /// On candle's autograd, on any device.
    Candle(CandleNetwork),
}

/// Which images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Train,
    Test,
}

impl Network {
    /// The network of a specification before its first step, in f32: multilayer perceptrons by
    /// memdil-kernels (on a GPU but for layer normalisation), the rest on candle.
    ///
    /// `shape` are channels, rows and columns of a sample, `classes` the logits.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check); [`RunnerError::Tensor`] when the device cannot hold it.
    pub fn new(
        spec: &RunSpec,
        shape: (usize, usize, usize),
        classes: usize,
        device: &Device,
    ) -> Result<Self, RunnerError> {
        let inputs = shape.0 * shape.1 * shape.2;
        Ok(match (&spec.model, device.location()) {
            (ModelSpec::Mlp(_), DeviceLocation::Cpu) => {
                Self::Fused(Box::new(FusedMlp::new(spec, inputs, classes)?))
            }
            (ModelSpec::Mlp(mlp), DeviceLocation::Cuda { gpu_id })
                if mlp.norm != NormSpec::Layer =>
            {
                Self::Gpu(Box::new(GpuNetwork::new(
                    spec,
                    inputs,
                    classes,
                    Cuda::open(gpu_id)?,
                )?))
            }
            _ => Self::Candle(CandleNetwork::new(
                spec,
                shape,
                classes,
                DType::F32,
                device,
            )?),
        })
    }

    /// Whether the network of a specification can be made for samples of this shape.
    ///
    /// # Errors
    ///
    /// [`RunnerError::SmallImages`]; [`RunnerError::CustomModel`] for a network that a program of
    /// one's own builds.
    pub fn check(spec: &RunSpec, shape: (usize, usize, usize)) -> Result<(), RunnerError> {
        candle::check(spec, shape)
    }

    /// The network as [`Network::new`] makes it, or what a program's own function builds.
    pub(crate) fn build(
        spec: &RunSpec,
        shape: (usize, usize, usize),
        device: &Device,
        build: Option<Build<'_>>,
    ) -> Result<Self, RunnerError> {
        let Some(build) = build else {
            return Self::new(spec, shape, spec.network_classes(), device);
        };
        let (channels, height, width) = shape;
        let model = build(
            spec,
            ImageShape {
                channels,
                height,
                width,
            },
            device,
        )?;
        let network =
            CandleNetwork::from_model(spec, model, channels * height * width, DType::F32, device)?;
        Ok(Self::Candle(network))
    }

    /// One step on a batch in training mode: loss, gradient, update. Returns the loss before the
    /// update, averaged over the batch, with the penalty on its features where there is one.
    ///
    /// A loss that is no finite number is returned as it is, and nothing has changed then: neither
    /// parameters nor running statistics nor the optimiser's state.
    ///
    /// # Shapes
    ///
    /// `inputs` row by row, (n, values of a sample); `labels` (n).
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when shapes do not fit, a batch is too small to be normalised, or
    /// the device fails.
    pub fn step(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &Loss,
        learning_rate: f64,
    ) -> Result<f64, RunnerError> {
        match self {
            Self::Fused(network) => network.step(inputs, labels, loss, learning_rate),
            Self::Gpu(network) => network.0.step(inputs, labels, loss, learning_rate),
            Self::Candle(network) => network.step(inputs, labels, loss, learning_rate),
        }
    }

    /// Penultimate features and logits in evaluation mode.
    ///
    /// # Shapes
    ///
    /// All row by row: `inputs` (n, values of a sample), features (n, d), logits (n, K).
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when `inputs` holds no whole number of samples, or the device fails.
    pub fn forward(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        match self {
            Self::Fused(network) => network.forward(inputs),
            Self::Gpu(network) => network.0.forward(inputs),
            Self::Candle(network) => network.forward(inputs),
        }
    }

    /// Begins an epoch, or goes on with one, where the network takes its batches from a copy of the
    /// data of its own: then steps are queued with [`queue_step`](Self::queue_step), and the loss
    /// is known at the end. False where batches are handed in.
    pub(crate) fn begin_epoch(
        &mut self,
        spec: &RunSpec,
        data: &Prepared,
        order: &[usize],
        done: (usize, f64),
        learning_rate: f64,
    ) -> Result<bool, RunnerError> {
        match self {
            // What augmentation draws is drawn on the processor.
            Self::Gpu(network) if spec.data.augment.is_none() => {
                network
                    .0
                    .begin_epoch(data, order, done, &spec.loss, learning_rate)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Queues a step on the next samples of the epoch.
    pub(crate) fn queue_step(&mut self, samples: usize) -> Result<(), RunnerError> {
        match self {
            Self::Gpu(network) => network.0.queue_step(samples),
            _ => Ok(()),
        }
    }

    /// Of queued steps, the sum of the loss over their samples, or the loss that ended the
    /// training.
    pub(crate) fn epoch_so_far(&self) -> Result<Result<f64, f64>, RunnerError> {
        match self {
            Self::Gpu(network) => network.0.epoch_so_far(),
            _ => Ok(Ok(0.0)),
        }
    }

    /// Penultimate features and logits of samples in evaluation mode; `batch` is room for their
    /// inputs.
    pub(crate) fn forward_samples(
        &mut self,
        data: &Prepared,
        part: Part,
        indices: &[usize],
        batch: &mut Vec<f32>,
    ) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        if let Self::Gpu(network) = self {
            return network.0.forward_stored(data, part, indices);
        }
        let inputs = if part == Part::Train {
            &data.train_inputs
        } else {
            &data.test_inputs
        };
        batch.resize(indices.len() * inputs.values_per_sample(), 0.0);
        inputs.fill(indices, batch);
        self.forward(batch)
    }

    /// Weights (K, d) and bias (K) of the classifier.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when the device fails.
    pub fn classifier(&self) -> Result<(Array2<f32>, Array1<f32>), RunnerError> {
        match self {
            Self::Fused(network) => network.classifier(),
            Self::Gpu(network) => network.0.classifier(),
            Self::Candle(network) => network.classifier(),
        }
    }

    /// Number of values that are trained.
    pub fn parameter_count(&self) -> usize {
        match self {
            Self::Fused(network) => network.parameter_count(),
            Self::Gpu(network) => network.0.parameter_count(),
            Self::Candle(network) => network.parameter_count(),
        }
    }

    /// What the network is: its parameters from the input to the classifier, then what is not
    /// trained.
    ///
    /// Names are `blocks.0.linear.weight` (inputs, outputs), `blocks.0.linear.bias`,
    /// `blocks.0.norm.weight` and so on, `classifier.weight`, `classifier.bias`,
    /// `blocks.0.norm.running_mean`, `blocks.0.norm.running_var`; a classifier that is not trained
    /// comes last.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when the device fails.
    pub fn model_state(&self) -> Result<Vec<NamedTensor>, RunnerError> {
        self.model_tensors().collect()
    }

    /// What [`model_state`](Self::model_state) gives, one tensor at a time.
    pub(crate) fn model_tensors(&self) -> Tensors<'_> {
        match self {
            Self::Fused(network) => network.model_tensors(),
            Self::Gpu(network) => network.0.model_tensors(),
            Self::Candle(network) => network.model_tensors(),
        }
    }

    /// What the optimiser remembers of earlier steps, in the order of the parameters:
    /// `momentum.NAME` for each; Adam's `first_moment.NAME` for each, then `second_moment.NAME`,
    /// then the number of steps, `step`.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Tensor`] when the device fails.
    pub fn optimizer_state(&self) -> Result<Vec<NamedTensor>, RunnerError> {
        self.optimizer_tensors()?.collect()
    }

    /// What [`optimizer_state`](Self::optimizer_state) gives, one tensor at a time.
    pub(crate) fn optimizer_tensors(&self) -> Result<Tensors<'_>, RunnerError> {
        match self {
            Self::Fused(network) => Ok(network.optimizer_tensors()),
            Self::Gpu(network) => Ok(network.0.optimizer_tensors()),
            Self::Candle(network) => network.optimizer_tensors(),
        }
    }

    /// Puts back what [`model_state`](Self::model_state) gave, in any order; on an error nothing
    /// has changed.
    ///
    /// # Errors
    ///
    /// [`RunnerError::State`] when a tensor is missing, unknown, or of another shape.
    pub fn load_model_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        match self {
            Self::Fused(network) => network.load_model_state(state),
            Self::Gpu(network) => network.0.load_model_state(state),
            Self::Candle(network) => network.load_model_state(state),
        }
    }

    /// Puts back what [`optimizer_state`](Self::optimizer_state) gave, in any order; on an error
    /// nothing has changed.
    ///
    /// # Errors
    ///
    /// [`RunnerError::State`] when a tensor is missing, unknown, or of another shape.
    pub fn load_optimizer_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        match self {
            Self::Fused(network) => network.load_optimizer_state(state),
            Self::Gpu(network) => network.0.load_optimizer_state(state),
            Self::Candle(network) => network.load_optimizer_state(state),
        }
    }
}
