//! The steps of an epoch.

use bytemuck::{bytes_of, cast_slice};

use super::network::{GpuMlp, OrderMemory, RECORDINGS, Recorded};
use crate::error::{KernelError, check_length};
use crate::gpu::arguments::{Settings, State};
use crate::gpu::loss::DeviceLoss;
use crate::gpu::machine::GpuMachine;
use crate::gpu::memory::{download, upload};
use crate::gpu::samples::{Samples, largest};
use crate::mlp::Norm;
use crate::optimizer::{Decay, Optimizer, Step};

/// The progress of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Sum of the loss over the samples trained on.
    pub total: f64,
    /// Number of steps since the network was created.
    pub steps: u64,
    /// The loss that stopped the training because it is not finite.
    pub stopped: Option<f64>,
}

impl<M: GpuMachine> GpuMlp<M> {
    /// Begins an epoch with an order of samples, or resumes it at `position` in the order with the
    /// sum `total` of the loss so far.
    ///
    /// # Errors
    ///
    /// [`KernelError::Length`] if the transition matrix of the loss has the wrong number of
    /// classes; [`KernelError::Device`].
    pub fn begin(
        &mut self,
        order: &[u32],
        (position, total): (usize, f64),
        loss: &DeviceLoss,
        step: &Step,
    ) -> Result<(), KernelError> {
        if let DeviceLoss::Forward { transition } = loss {
            let expected = self.architecture.classes * self.architecture.classes;
            check_length("transition", transition, expected)?;
            self.machine
                .write(&mut self.transition, 0, cast_slice(transition))?;
        }
        if order.len() > self.order.values {
            self.order = OrderMemory {
                memory: upload(&self.machine, order)?,
                logits: self
                    .machine
                    .zeros(4 * order.len() * self.architecture.classes)?,
                values: order.len(),
            };
            self.recordings.clear();
        } else {
            self.machine
                .write(&mut self.order.memory, 0, cast_slice(order))?;
        }
        (self.last_sample, self.ordered, self.queued) = (largest(order), order.len(), position);
        let settings = loss.settings(settings(self.optimizer, step));
        self.machine
            .write(&mut self.settings, 0, bytes_of(&settings))?;
        let state = State {
            total,
            position: position as u32,
            stopped: 0,
            ..self.read_state()?
        };
        self.write_state(&state)
    }

    /// Queues a step on the next `n` samples of the order: loss, gradient, update.
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`] if the samples do not have the network's number of inputs;
    /// [`KernelError::Size`] if `n` is larger than the largest batch; [`KernelError::Index`] beyond
    /// the order, the data set or the classes; [`KernelError::BatchOfOne`];
    /// [`KernelError::Device`].
    pub fn step(&mut self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
        self.check(samples, n)?;
        if self.architecture.norm == Norm::Batch && n < 2 {
            return Err(KernelError::BatchOfOne);
        }
        for (name, value, count) in [
            ("sample of the order", self.last_sample, samples.count),
            ("label", samples.last_label, self.architecture.classes),
            ("position in the order", self.queued + n - 1, self.ordered),
        ] {
            if value >= count {
                return Err(KernelError::Index { name, value, count });
            }
        }
        self.queued += n;
        let mut recordings = self.recordings.iter();
        let found = recordings.position(|r| (r.samples, r.id) == (n, samples.id));
        let Some(found) = found else {
            // The first step of a kind is not recorded, because libraries initialise themselves in
            // it, which a recording does not allow.
            if self.recordings.len() == RECORDINGS {
                self.recordings.remove(0);
            }
            self.recordings.push(Recorded {
                samples: n,
                id: samples.id,
                recording: None,
            });
            return self.queue(samples, n);
        };
        if self.recordings[found].recording.is_none() {
            let recording = self.machine.record(|| self.queue(samples, n))?;
            self.recordings[found].recording = Some(recording);
        }
        match &self.recordings[found].recording {
            // SAFETY: the memories of the recording are still alive: this network and `samples` own
            // them.
            Some(recording) => unsafe { self.machine.replay(recording) },
            None => Ok(()),
        }
    }

    /// The progress of the epoch. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if any queued work has failed.
    pub fn progress(&self) -> Result<Progress, KernelError> {
        let state = self.read_state()?;
        Ok(Progress {
            total: state.total,
            steps: state.steps.into(),
            stopped: (state.stopped != 0).then_some(state.failed),
        })
    }

    /// The logits of the epoch's queued steps, normalised by the statistics of their batches, from
    /// the sample at position `from` of the order on. Waits for the device.
    ///
    /// # Shapes
    ///
    /// (samples, classes), row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if any queued work has failed.
    pub fn logits(&self, from: usize) -> Result<Vec<f32>, KernelError> {
        let (classes, queued) = (self.architecture.classes, self.queued);
        let count = queued.saturating_sub(from) * classes;
        download(&self.machine, &self.order.logits, 4 * from * classes, count)
    }

    /// A step on a batch in the host's memory; waits for it. Returns the loss before the update. If
    /// the loss is not finite, no parameter changes.
    ///
    /// # Shapes
    ///
    /// `inputs` (n, inputs) row-major, `labels` (n).
    ///
    /// # Errors
    ///
    /// As for [`begin`](Self::begin) and [`step`](Self::step).
    pub fn step_on(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &DeviceLoss,
        step: &Step,
    ) -> Result<f64, KernelError> {
        let (width, n) = (self.architecture.inputs, labels.len());
        if inputs.len() != n * width {
            return Err(KernelError::Batch {
                found: inputs.len(),
                inputs: width,
            });
        }
        let order: Vec<u32> = (0..n as u32).collect();
        self.begin(&order, (0, 0.0), loss, step)?;
        let mut staged = self.stage()?;
        let written = staged.set_floats(&self.machine, inputs, labels);
        let done = written.and_then(|()| self.step(&staged, n));
        self.staged = Some(staged);
        done?;
        let Progress { total, stopped, .. } = self.progress()?;
        Ok(stopped.unwrap_or(total / n as f64))
    }

    /// Rejects samples of another size or queue, and batches that are empty or too large.
    pub(super) fn check(&self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
        let inputs = self.architecture.inputs;
        if samples.values_per_sample() != inputs {
            return Err(KernelError::Batch {
                found: samples.values_per_sample(),
                inputs,
            });
        }
        if samples.queue != self.machine.queue() {
            return Err(KernelError::Device(
                "the samples are on another device or stream".to_owned(),
            ));
        }
        if n == 0 || n > self.batch {
            return Err(KernelError::Size {
                name: "batch",
                value: n,
                least: 1,
            });
        }
        Ok(())
    }
}

/// The constants of a step, except those of the loss.
fn settings(optimizer: Optimizer, step: &Step) -> Settings {
    let (decay, decoupled) = match step.decay {
        Decay::Coupled(decay) => (decay, 0),
        Decay::Decoupled(decay) => (decay, 1),
    };
    let (Decay::Coupled(classifier_decay) | Decay::Decoupled(classifier_decay)) =
        step.classifier_decay;
    let mut settings = Settings {
        learning_rate: step.learning_rate,
        decay,
        classifier_decay,
        feature_decay: step.feature_decay,
        decoupled,
        ..Settings::default()
    };
    match optimizer {
        Optimizer::Sgd { momentum, .. } if momentum <= 0.0 => {}
        Optimizer::Sgd { momentum, nesterov } => {
            settings.optimizer = 1 + u32::from(nesterov);
            settings.momentum = momentum;
        }
        Optimizer::Adam {
            beta1,
            beta2,
            epsilon,
        } => {
            settings.optimizer = 3;
            (settings.beta1, settings.beta2, settings.epsilon) = (beta1, beta2, epsilon);
        }
    }
    settings
}
