//! The network on a GPU, by the kernels of memdil-kernels: the data set lies there too, and an epoch is queued.

use memdil_data::Inputs;
use memdil_kernels::Step;
use memdil_kernels::gpu::{Cuda, GpuMlp, Loss as DeviceLoss, Machine, Pixels, Samples, Stored};
use memdil_losses::Loss;
use memdil_records::RunSpec;
use ndarray::{Array1, Array2};

use super::engine::{self, Recipe};
use super::{NamedTensor, Part, Tensors};
use crate::{Prepared, RunnerError};

/// A multilayer perceptron and its optimiser on a GPU.
pub struct GpuNetwork<M: Machine = Cuda> {
    network: GpuMlp<M>,
    recipe: Recipe,
    /// Training and test images, once they are needed.
    sets: Option<[Samples<M>; 2]>,
}

impl<M: Machine> GpuNetwork<M> {
    /// The network of a specification before its first step: the numbers that candle's would have.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] on sizes that make no network, layer normalisation, or when the device fails.
    pub fn new(spec: &RunSpec, inputs: usize, classes: usize, machine: M) -> Result<Self, RunnerError> {
        let recipe = Recipe::new(spec, inputs, classes)?;
        let mut network = GpuMlp::new(machine, recipe.architecture, recipe.optimizer, spec.training.batch_size)?;
        engine::start(&mut network, spec)?;
        Ok(Self { network, recipe, sets: None })
    }

    pub(super) fn step(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &Loss,
        learning_rate: f64,
    ) -> Result<f64, RunnerError> {
        let step = Step { learning_rate, ..self.recipe.step };
        Ok(self.network.step_on(inputs, labels, &device_loss(loss), &step)?)
    }

    pub(super) fn forward(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        Ok(self.network.evaluate_on(inputs)?)
    }

    /// Begins an epoch, or goes on with one.
    pub(super) fn begin_epoch(
        &mut self,
        data: &Prepared,
        order: &[usize],
        done: (usize, f64),
        loss: &Loss,
        learning_rate: f64,
    ) -> Result<(), RunnerError> {
        self.sets(data)?;
        let order: Vec<u32> = order.iter().map(|&i| i as u32).collect();
        let step = Step { learning_rate, ..self.recipe.step };
        Ok(self.network.begin(&order, done, &device_loss(loss), &step)?)
    }

    /// Queues a step on the next samples of the epoch.
    pub(super) fn queue_step(&mut self, samples: usize) -> Result<(), RunnerError> {
        let Some([train, _]) = &self.sets else { return Ok(()) };
        Ok(self.network.step(train, samples)?)
    }

    /// Sum of the loss over the epoch's samples so far, or the loss that ended the training.
    pub(super) fn epoch_so_far(&self) -> Result<Result<f64, f64>, RunnerError> {
        let progress = self.network.progress()?;
        Ok(progress.stopped.map_or(Ok(progress.total), Err))
    }

    pub(super) fn forward_stored(
        &mut self,
        data: &Prepared,
        part: Part,
        indices: &[usize],
    ) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        self.sets(data)?;
        let Some([train, test]) = &self.sets else { return Ok((Vec::new(), Vec::new())) };
        let indices: Vec<u32> = indices.iter().map(|&i| i as u32).collect();
        Ok(self.network.evaluate(if part == Part::Train { train } else { test }, &indices)?)
    }

    /// Copies the data set to the device, once.
    fn sets(&mut self, data: &Prepared) -> Result<(), RunnerError> {
        if self.sets.is_none() {
            let machine = self.network.machine();
            let observed: Vec<u32> = data.labels.observed.to_vec();
            self.sets = Some([
                samples(machine, &data.train_inputs, &observed)?,
                samples(machine, &data.test_inputs, &data.test_labels)?,
            ]);
        }
        Ok(())
    }

    pub(super) fn classifier(&self) -> Result<(Array2<f32>, Array1<f32>), RunnerError> {
        engine::classifier(&self.network)
    }

    pub(super) fn parameter_count(&self) -> usize {
        engine::parameter_count(&self.network)
    }

    pub(super) fn model_tensors(&self) -> Tensors<'_> {
        engine::model_tensors(&self.network)
    }

    pub(super) fn optimizer_tensors(&self) -> Tensors<'_> {
        engine::optimizer_tensors(&self.network, self.recipe.optimizer)
    }

    pub(super) fn load_model_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        engine::load_model_state(&mut self.network, state)
    }

    pub(super) fn load_optimizer_state(&mut self, state: &[NamedTensor]) -> Result<(), RunnerError> {
        engine::load_optimizer_state(&mut self.network, self.recipe.optimizer, state)
    }
}

impl<M: Machine> std::fmt::Debug for GpuNetwork<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GpuNetwork").field("network", &self.network).finish_non_exhaustive()
    }
}

fn samples<M: Machine>(machine: &M, inputs: &Inputs, labels: &[u32]) -> Result<Samples<M>, RunnerError> {
    let stored = inputs.stored();
    let pixels = match stored.pixels {
        memdil_data::Pixels::Bytes(bytes) => Pixels::Bytes(bytes),
        memdil_data::Pixels::Floats(floats) => Pixels::Floats(floats),
    };
    let (_, height, width) = inputs.shape();
    let (plane, constants, copies) = (height * width, stored.constants, stored.copies);
    Ok(Samples::new(machine, &Stored { pixels, plane, constants, copies, labels })?)
}

pub(crate) fn device_loss(loss: &Loss) -> DeviceLoss {
    match *loss {
        Loss::CrossEntropy {} => DeviceLoss::Smoothed { alpha: 0.0 },
        Loss::LabelSmoothing { alpha } => DeviceLoss::Smoothed { alpha },
        Loss::LabelRelaxation { alpha } => DeviceLoss::Relaxed { alpha },
        Loss::Mse {} => DeviceLoss::Squared,
        Loss::Focal { gamma } => DeviceLoss::Focal { gamma },
        Loss::GeneralizedCrossEntropy { q } => DeviceLoss::Generalized { q },
        Loss::SymmetricCrossEntropy { alpha, beta } => DeviceLoss::Symmetric { alpha, beta },
        Loss::ForwardCorrection { ref transition } => DeviceLoss::Forward { transition: transition.concat() },
    }
}
