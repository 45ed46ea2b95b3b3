//! Multilayer perceptrons on a GPU with the kernels of memdil-kernels. The data set is on the
//! device too, and the steps of an epoch are queued.

use memdil_data::Inputs;
use memdil_kernels::gpu::{
    Cuda, DeviceLoss, GpuMachine, GpuMlp, Samples, StoredPixels, StoredSamples,
};
use memdil_kernels::{KernelError, TensorInfo};
use memdil_losses::Loss;
use memdil_records::RunSpec;

use crate::error::RunnerError;
use crate::network::interface::{ImageSet, LayerOutput, Network, QueuedLoss, StepOutput};
use crate::network::perceptron::{Engine, Recipe, layer_outputs};
use crate::prepare::Prepared;

/// A multilayer perceptron and its optimiser on a GPU.
pub struct GpuNetwork<M: GpuMachine = Cuda> {
    network: GpuMlp<M>,
    recipe: Recipe,
    /// Training and test images, copied to the device on first use.
    sets: Option<[Samples<M>; 2]>,
}

impl<M: GpuMachine> GpuNetwork<M> {
    /// Builds the network of a specification, with the same initial values as on candle.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Kernel`] for invalid sizes, for layer normalisation, or if the device fails.
    pub fn new(
        spec: &RunSpec,
        inputs: usize,
        classes: usize,
        machine: M,
    ) -> Result<Self, RunnerError> {
        let recipe = Recipe::new(spec, inputs, classes)?;
        let batch = spec.training.batch_size;
        let network = GpuMlp::new(machine, recipe.architecture, recipe.optimizer, batch)?;
        let sets = None;
        Self {
            network,
            recipe,
            sets,
        }
        .with_initial_values(spec)
    }

    /// Copies the data set to the device, unless it is already there.
    fn sets(&mut self, data: &Prepared) -> Result<(), RunnerError> {
        if self.sets.is_none() {
            let machine = self.network.machine();
            self.sets = Some([
                samples(machine, &data.train_inputs, data.labels.observed())?,
                samples(machine, &data.test_inputs, &data.test_labels)?,
            ]);
        }
        Ok(())
    }
}

impl<M: GpuMachine> Engine for GpuNetwork<M> {
    fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        self.network.tensors()
    }

    fn get(&self, name: &str) -> Result<Vec<f32>, KernelError> {
        self.network.get(name)
    }

    fn set(&mut self, name: &str, values: &[f32]) -> Result<(), KernelError> {
        self.network.set(name, values)
    }

    fn steps(&self) -> Result<u64, KernelError> {
        Ok(self.network.progress()?.steps)
    }

    fn set_steps(&mut self, steps: u64) -> Result<(), KernelError> {
        self.network.set_steps(steps)
    }
}

impl<M: GpuMachine> Network for GpuNetwork<M> {
    fn step(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &Loss,
        learning_rate: f64,
    ) -> Result<StepOutput, RunnerError> {
        let (loss, step) = (device_loss(loss), self.recipe.step(learning_rate));
        let loss = self.network.step_on(inputs, labels, &loss, &step)?;
        let logits = self.network.logits(0)?;
        Ok(StepOutput { loss, logits })
    }

    fn forward(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        Ok(self.network.evaluate_on(inputs)?)
    }

    fn forward_layers(&mut self, inputs: &[f32]) -> Result<Option<Vec<LayerOutput>>, RunnerError> {
        let samples = inputs.len() / self.network.architecture().inputs;
        layer_outputs(self.network.evaluate_blocks_on(inputs)?, samples).map(Some)
    }

    fn begin_epoch(
        &mut self,
        spec: &RunSpec,
        data: &Prepared,
        order: &[usize],
        done: (usize, f64),
        learning_rate: f64,
    ) -> Result<bool, RunnerError> {
        // Augmentation draws its random numbers on the processor.
        if spec.data.augment.is_some() {
            return Ok(false);
        }
        self.sets(data)?;
        let order: Vec<u32> = order.iter().map(|&i| i as u32).collect();
        let step = self.recipe.step(learning_rate);
        self.network
            .begin(&order, done, &device_loss(&spec.loss), &step)?;
        Ok(true)
    }

    fn queue_step(&mut self, samples: usize) -> Result<(), RunnerError> {
        let Some([train, _]) = &self.sets else {
            return Ok(());
        };
        Ok(self.network.step(train, samples)?)
    }

    fn queued_loss(&self) -> Result<QueuedLoss, RunnerError> {
        let progress = self.network.progress()?;
        let sum = QueuedLoss::Sum(progress.total);
        Ok(progress.stopped.map_or(sum, QueuedLoss::Ended))
    }

    fn queued_logits(&self, from: usize) -> Result<Vec<f32>, RunnerError> {
        Ok(self.network.logits(from)?)
    }

    fn forward_samples(
        &mut self,
        data: &Prepared,
        set: ImageSet,
        indices: &[usize],
        _batch: &mut Vec<f32>,
    ) -> Result<(Vec<f32>, Vec<f32>), RunnerError> {
        self.sets(data)?;
        let Some([train, test]) = &self.sets else {
            return Ok((Vec::new(), Vec::new()));
        };
        let samples = match set {
            ImageSet::Train => train,
            ImageSet::Test => test,
        };
        let indices: Vec<u32> = indices.iter().map(|&i| i as u32).collect();
        Ok(self.network.evaluate(samples, &indices)?)
    }
}

impl<M: GpuMachine> std::fmt::Debug for GpuNetwork<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GpuNetwork")
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}

fn samples<M: GpuMachine>(
    machine: &M,
    inputs: &Inputs,
    labels: &[u32],
) -> Result<Samples<M>, RunnerError> {
    let stored = inputs.stored();
    let pixels = match stored.pixels {
        memdil_data::Pixels::Bytes(bytes) => StoredPixels::Bytes(bytes),
        memdil_data::Pixels::Floats(floats) => StoredPixels::Floats(floats),
    };
    let (_, height, width) = inputs.shape();
    let stored = StoredSamples {
        pixels,
        plane: height * width,
        constants: stored.constants,
        copies: stored.copies,
        labels,
    };
    Ok(Samples::new(machine, &stored)?)
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
        Loss::ForwardCorrection { ref transition } => DeviceLoss::Forward {
            transition: transition.concat(),
        },
    }
}

#[cfg(test)]
mod tests;
