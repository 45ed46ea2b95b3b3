//! The network on a device, and its step.

mod evaluate;
mod step;

use super::arguments::{Settings, State};
use super::plan::{Arena, NARROW, Place, Plan, pitch};
use super::samples::{f32_bytes, f32_values, f64_bytes, last, u32_bytes, upload};
use super::{Loss, Machine, Samples};
use crate::{Architecture, Decay, KernelError, Norm, Optimizer, Role, Step, Tensor};

/// Recorded steps that are kept: an epoch has two, of a whole batch and of the last one.
const RECORDINGS: usize = 8;
/// Samples of an evaluation's forward pass.
const CHUNK: usize = 512;

/// A multilayer perceptron in training on a device: tensors, their names and every formula as those
/// of
/// [`Mlp`](crate::Mlp), in f32.
pub struct GpuMlp<M: Machine> {
    architecture: Architecture,
    optimizer: Optimizer,
    plan: Plan,
    /// Samples of the largest batch.
    batch: usize,
    values: M::Memory,
    buffers: Vec<M::Memory>,
    statistics: M::Memory,
    work: M::Memory,
    /// Gradients of all parameters, for batches that are not narrow.
    gradient: Option<M::Memory>,
    arrived: M::Memory,
    settings: M::Memory,
    state: M::Memory,
    transition: M::Memory,
    order: Memory<M>,
    /// Of the order, its largest sample, its samples, and those of them that steps were queued for.
    last_sample: usize,
    ordered: usize,
    queued: usize,
    /// State and order of an evaluation; the state stays zero.
    evaluated: (M::Memory, M::Memory),
    /// A batch that comes from the processor.
    staged: Option<Samples<M>>,
    recordings: Vec<Recorded<M>>,
    /// Last, as what is above is released by it.
    machine: M,
}

/// Memory that may have to grow.
struct Memory<M: Machine> {
    memory: M::Memory,
    bytes: usize,
}

struct Recorded<M: Machine> {
    samples: usize,
    id: u64,
    /// None after the first time, which warms up.
    recording: Option<M::Recording>,
}

/// Where an epoch stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Sum of the loss over the samples trained on.
    pub total: f64,
    /// Steps made since the network was new.
    pub steps: u64,
    /// The loss, no finite number, that ended the training.
    pub stopped: Option<f64>,
}

impl<M: Machine> GpuMlp<M> {
    /// A network of zeros (scales and running variances of ones) for batches of at most `batch`
    /// samples.
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`]; [`KernelError::Unsupported`] for layer normalisation;
    /// [`KernelError::Device`].
    pub fn new(
        machine: M,
        architecture: Architecture,
        optimizer: Optimizer,
        batch: usize,
    ) -> Result<Self, KernelError> {
        let Architecture {
            inputs,
            depth,
            width,
            features,
            classes,
            norm,
            ..
        } = architecture;
        let sizes = [
            ("inputs", inputs),
            ("depth", depth),
            ("width", width),
            ("features", features),
        ];
        for (name, value) in sizes
            .into_iter()
            .chain([("classes", classes), ("batch", batch)])
        {
            if value == 0 {
                return Err(KernelError::Size {
                    name,
                    value,
                    least: 1,
                });
            }
        }
        if norm == Norm::Layer {
            return Err(KernelError::Unsupported("layer normalisation"));
        }
        let plan = Plan::new(
            architecture,
            optimizer,
            batch.max(CHUNK),
            machine.processors(),
        );
        let kinds = optimizer.buffers().len();
        let stripes = plan
            .layers
            .iter()
            .map(|layer| layer.ld().div_ceil(64))
            .max()
            .unwrap_or_default();
        let zeros = |values: usize| machine.zeros(4 * values.max(1));
        let (values, statistics, work) = (
            zeros(plan.values)?,
            zeros(plan.statistics)?,
            zeros(plan.work)?,
        );
        let buffers = (0..kinds)
            .map(|_| zeros(plan.values))
            .collect::<Result<_, _>>()?;
        let gradient = if batch > NARROW {
            Some(zeros(plan.values)?)
        } else {
            None
        };
        let mut network = Self {
            values,
            buffers,
            statistics,
            work,
            gradient,
            arrived: zeros(stripes)?,
            settings: machine.zeros(size_of::<Settings>())?,
            state: machine.zeros(size_of::<State>())?,
            transition: machine.zeros(8 * classes * classes)?,
            order: Memory {
                memory: zeros(batch)?,
                bytes: 4 * batch,
            },
            last_sample: 0,
            ordered: 0,
            queued: 0,
            evaluated: (machine.zeros(size_of::<State>())?, zeros(CHUNK)?),
            staged: None,
            recordings: Vec::new(),
            machine,
            architecture,
            optimizer,
            plan,
            batch,
        };
        for tensor in network.tensors() {
            if tensor.name.ends_with("norm.weight") && tensor.role == Role::Parameter
                || tensor.name.ends_with("norm.running_var")
            {
                network.set(&tensor.name, &vec![1.0; tensor.shape[0]])?;
            }
        }
        Ok(network)
    }

    /// Sizes and parts.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The device.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// All tensors: parameters from the input to the classifier, running statistics, buffers of the
    /// optimiser.
    pub fn tensors(&self) -> Vec<Tensor> {
        self.plan
            .places
            .iter()
            .map(|place| place.tensor.clone())
            .collect()
    }

    /// A tensor's values, row by row. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`]; [`KernelError::Device`].
    pub fn get(&self, name: &str) -> Result<Vec<f32>, KernelError> {
        let place = self.place(name)?;
        let (rows, columns) = place.rows_and_columns();
        let mut bytes = vec![0; 4 * rows * pitch(columns)];
        let memory = match place.arena {
            Arena::Values => &self.values,
            Arena::Buffer(index) => &self.buffers[index],
            Arena::Statistics => &self.statistics,
        };
        self.machine.read(memory, 4 * place.offset, &mut bytes)?;
        Ok(unpadded(&f32_values(&bytes), columns))
    }

    /// Replaces a tensor's values, row by row.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`], [`KernelError::Length`]; [`KernelError::Device`].
    pub fn set(&mut self, name: &str, values: &[f32]) -> Result<(), KernelError> {
        let place = self.place(name)?;
        let (rows, columns) = place.rows_and_columns();
        let (arena, offset) = (place.arena, place.offset);
        if values.len() != rows * columns {
            let (name, expected) = (name.to_owned(), rows * columns);
            return Err(KernelError::Length {
                name,
                found: values.len(),
                expected,
            });
        }
        let mut padded = vec![0.0; rows * pitch(columns)];
        for (to, from) in padded
            .chunks_exact_mut(pitch(columns))
            .zip(values.chunks_exact(columns))
        {
            to[..columns].copy_from_slice(from);
        }
        let memory = match arena {
            Arena::Values => &mut self.values,
            Arena::Buffer(index) => &mut self.buffers[index],
            Arena::Statistics => &mut self.statistics,
        };
        self.machine.write(memory, 4 * offset, &f32_bytes(&padded))
    }

    fn place(&self, name: &str) -> Result<&Place, KernelError> {
        let found = self
            .plan
            .places
            .iter()
            .find(|place| place.tensor.name == name);
        found.ok_or_else(|| KernelError::Unknown(name.to_owned()))
    }

    /// Continues the count of steps of an earlier training; the bias correction of Adam depends on
    /// it.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`].
    pub fn set_steps(&mut self, steps: u64) -> Result<(), KernelError> {
        let state = State {
            steps: steps as u32,
            ..self.read_state()?
        };
        self.write_state(&state)
    }

    /// Begins an epoch, or goes on with one: its order of samples, those of them that were trained
    /// on, and their loss.
    ///
    /// # Errors
    ///
    /// [`KernelError::Length`] when the transition matrix of the loss is of other classes;
    /// [`KernelError::Device`].
    pub fn begin(
        &mut self,
        order: &[u32],
        (position, total): (usize, f64),
        loss: &Loss,
        step: &Step,
    ) -> Result<(), KernelError> {
        if let Loss::Forward { transition } = loss {
            let expected = self.architecture.classes * self.architecture.classes;
            if transition.len() != expected {
                return Err(KernelError::Length {
                    name: "transition".to_owned(),
                    found: transition.len(),
                    expected,
                });
            }
            self.machine
                .write(&mut self.transition, 0, &f64_bytes(transition))?;
        }
        let bytes = u32_bytes(order);
        if bytes.len() > self.order.bytes {
            self.order = Memory {
                memory: upload(&self.machine, &bytes)?,
                bytes: bytes.len(),
            };
            self.recordings.clear();
        } else {
            self.machine.write(&mut self.order.memory, 0, &bytes)?;
        }
        (self.last_sample, self.ordered, self.queued) = (last(order), order.len(), position);
        let settings = loss.settings(settings(self.optimizer, step));
        let bytes = [
            settings.learning_rate,
            settings.decay,
            settings.classifier_decay,
            settings.feature_decay,
            settings.momentum,
            settings.beta1,
            settings.beta2,
            settings.epsilon,
            settings.loss_a,
            settings.loss_b,
        ];
        let kinds = [
            settings.optimizer,
            settings.decoupled,
            settings.loss,
            settings.unused,
        ];
        self.machine.write(
            &mut self.settings,
            0,
            &[f64_bytes(&bytes), u32_bytes(&kinds)].concat(),
        )?;
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
    /// [`KernelError::Batch`] when the samples are not of the network's size; [`KernelError::Size`]
    /// when there are more than a batch; [`KernelError::Index`] beyond the order, the data set or
    /// the classes; [`KernelError::BatchOfOne`];
    /// [`KernelError::Device`].
    pub fn step(&mut self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
        self.check(samples, n)?;
        if self.architecture.norm == Norm::Batch && n < 2 {
            return Err(KernelError::BatchOfOne);
        }
        for (name, value, count) in [
            ("sample of the order", self.last_sample, samples.count),
            ("label", samples.last_label, self.architecture.classes),
            ("place in the order", self.queued + n - 1, self.ordered),
        ] {
            if value >= count {
                return Err(KernelError::Index { name, value, count });
            }
        }
        self.queued += n;
        let found = self
            .recordings
            .iter()
            .position(|r| (r.samples, r.id) == (n, samples.id));
        let Some(found) = found else {
            // The first time warms up: what libraries do then may not be recorded.
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
            // SAFETY: it was recorded for memories that are still there: those of this network, and
            // these samples.
            Some(recording) => unsafe { self.machine.replay(recording) },
            None => Ok(()),
        }
    }

    /// Writes not-a-numbers over all that steps and evaluations compute on their way: whatever
    /// reads what it has not written shows then.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`].
    pub fn poison(&mut self) -> Result<(), KernelError> {
        self.machine.write(
            &mut self.work,
            0,
            &f32_bytes(&vec![f32::NAN; self.plan.work]),
        )
    }

    /// Where the epoch stands. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`], of anything that was queued.
    pub fn progress(&self) -> Result<Progress, KernelError> {
        let State {
            total,
            failed,
            steps,
            stopped,
            ..
        } = self.read_state()?;
        Ok(Progress {
            total,
            steps: steps.into(),
            stopped: (stopped != 0).then_some(failed),
        })
    }

    /// A step on a batch that is not on the device; waits for it. Returns the loss before the
    /// update; when it is no finite number nothing has changed.
    ///
    /// # Shapes
    ///
    /// `inputs` (n, inputs) row by row, `labels` (n).
    ///
    /// # Errors
    ///
    /// Those of [`begin`](Self::begin) and [`step`](Self::step).
    pub fn step_on(
        &mut self,
        inputs: &[f32],
        labels: &[u32],
        loss: &Loss,
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

    fn check(&self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
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

    fn read_state(&self) -> Result<State, KernelError> {
        let mut bytes = [0; size_of::<State>()];
        self.machine.read(&self.state, 0, &mut bytes)?;
        let double = |i: usize| f64::from_ne_bytes(std::array::from_fn(|k| bytes[i + k]));
        let whole = |i: usize| u32::from_ne_bytes(std::array::from_fn(|k| bytes[i + k]));
        Ok(State {
            total: double(0),
            failed: double(8),
            position: whole(16),
            steps: whole(20),
            stopped: whole(24),
            ..State::default()
        })
    }

    /// The rules in it are made anew by each step.
    fn write_state(&mut self, state: &State) -> Result<(), KernelError> {
        let counts = [state.position, state.steps, state.stopped, 0];
        let bytes = [f64_bytes(&[state.total, state.failed]), u32_bytes(&counts)].concat();
        self.machine.write(&mut self.state, 0, &bytes)
    }
}

fn settings(optimizer: Optimizer, step: &Step) -> Settings {
    let (decay, decoupled) = match step.decay {
        Decay::Coupled(decay) => (decay, 0),
        Decay::Decoupled(decay) => (decay, 1),
    };
    let (Decay::Coupled(classifier_decay) | Decay::Decoupled(classifier_decay)) =
        step.classifier_decay;
    let settings = Settings {
        learning_rate: step.learning_rate,
        decay,
        classifier_decay,
        feature_decay: step.feature_decay,
        decoupled,
        ..Settings::default()
    };
    match optimizer {
        Optimizer::Sgd { momentum, .. } if momentum <= 0.0 => Settings {
            optimizer: 0,
            ..settings
        },
        Optimizer::Sgd { momentum, nesterov } => Settings {
            optimizer: 1 + u32::from(nesterov),
            momentum,
            ..settings
        },
        Optimizer::Adam {
            beta1,
            beta2,
            epsilon,
        } => Settings {
            optimizer: 3,
            beta1,
            beta2,
            epsilon,
            ..settings
        },
    }
}

/// Rows without what pads them.
fn unpadded(values: &[f32], columns: usize) -> Vec<f32> {
    values
        .chunks_exact(pitch(columns))
        .flat_map(|row| &row[..columns])
        .copied()
        .collect()
}

impl<M: Machine> std::fmt::Debug for GpuMlp<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GpuMlp")
            .field("architecture", &self.architecture)
            .finish_non_exhaustive()
    }
}
