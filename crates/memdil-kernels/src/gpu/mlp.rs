//! The network on a device, and its step.

use super::arguments::{
    Address, Backward, Forward, Gather, LossStep, Normalize, NormalizeBackward, Settings, State, Trained, Update,
};
use super::plan::{Arena, Bases, NARROW, Place, Plan, at, pitch, splits};
use super::samples::{f32_bytes, f32_values, f64_bytes, u32_bytes, upload};
use super::{Loss, Machine, Pixels, Product, Samples, Stored};
use crate::{Architecture, Decay, KernelError, Norm, Optimizer, Role, Step, Tensor};

/// Samples of an evaluation's forward pass.
const CHUNK: usize = 512;

/// A multilayer perceptron in training on a device: tensors, their names and every formula as those of
/// [`Mlp`](crate::Mlp), in f32.
pub struct GpuMlp<M: Machine> {
    machine: M,
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
    /// Of an evaluation, whose state stays zero.
    evaluated: (M::Memory, Memory<M>),
    /// A batch that comes from the processor.
    staged: Option<Samples<M>>,
    recordings: Vec<Recorded<M>>,
}

/// Memory that may have to grow.
struct Memory<M: Machine> {
    memory: M::Memory,
    bytes: usize,
}

struct Recorded<M: Machine> {
    samples: usize,
    pixels: Address,
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
    /// A network of zeros (scales and running variances of ones) for batches of at most `batch` samples.
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`]; [`KernelError::Unsupported`] for layer normalisation; [`KernelError::Device`].
    pub fn new(
        machine: M,
        architecture: Architecture,
        optimizer: Optimizer,
        batch: usize,
    ) -> Result<Self, KernelError> {
        let Architecture { inputs, depth, width, features, classes, norm, .. } = architecture;
        let sizes = [("inputs", inputs), ("depth", depth), ("width", width), ("features", features)];
        for (name, value) in sizes.into_iter().chain([("classes", classes), ("batch", batch)]) {
            if value == 0 {
                return Err(KernelError::Size { name, value, least: 1 });
            }
        }
        if norm == Norm::Layer {
            return Err(KernelError::Unsupported("layer normalisation"));
        }
        let plan = Plan::new(architecture, optimizer, batch.max(CHUNK), machine.processors());
        let kinds = optimizer.buffers().len();
        let stripes = plan.layers.iter().map(|layer| layer.ld().div_ceil(64)).max().unwrap_or_default();
        let zeros = |values: usize| machine.zeros(4 * values.max(1));
        let (values, statistics, work) = (zeros(plan.values)?, zeros(plan.statistics)?, zeros(plan.work)?);
        let buffers = (0..kinds).map(|_| zeros(plan.values)).collect::<Result<_, _>>()?;
        let gradient = if batch > NARROW { Some(zeros(plan.values)?) } else { None };
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
            order: Memory { memory: zeros(batch)?, bytes: 4 * batch },
            evaluated: (machine.zeros(size_of::<State>())?, Memory { memory: zeros(CHUNK)?, bytes: 4 * CHUNK }),
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

    /// All tensors: parameters from the input to the classifier, running statistics, buffers of the optimiser.
    pub fn tensors(&self) -> Vec<Tensor> {
        self.plan.places.iter().map(|place| place.tensor.clone()).collect()
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
            return Err(KernelError::Length { name, found: values.len(), expected });
        }
        let mut padded = vec![0.0; rows * pitch(columns)];
        for (to, from) in padded.chunks_exact_mut(pitch(columns)).zip(values.chunks_exact(columns)) {
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
        let found = self.plan.places.iter().find(|place| place.tensor.name == name);
        found.ok_or_else(|| KernelError::Unknown(name.to_owned()))
    }

    /// Continues the count of steps of an earlier training; the bias correction of Adam depends on it.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`].
    pub fn set_steps(&mut self, steps: u64) -> Result<(), KernelError> {
        let state = State { steps: steps as u32, ..self.read_state()? };
        self.write_state(&state)
    }

    /// Begins an epoch, or goes on with one: its order of samples, those of them that were trained on, and their loss.
    ///
    /// # Errors
    ///
    /// [`KernelError::Length`] when the transition matrix of the loss is of other classes; [`KernelError::Device`].
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
                return Err(KernelError::Length { name: "transition".to_owned(), found: transition.len(), expected });
            }
            self.machine.write(&mut self.transition, 0, &f64_bytes(transition))?;
        }
        let bytes = u32_bytes(order);
        if bytes.len() > self.order.bytes {
            self.order = Memory { memory: upload(&self.machine, &bytes)?, bytes: bytes.len() };
            self.recordings.clear();
        } else {
            self.machine.write(&mut self.order.memory, 0, &bytes)?;
        }
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
        let kinds = [settings.optimizer, settings.decoupled, settings.loss, settings.unused];
        self.machine.write(&mut self.settings, 0, &[f64_bytes(&bytes), u32_bytes(&kinds)].concat())?;
        let state = State { total, position: position as u32, ..self.read_state()? };
        self.write_state(&state)
    }

    /// Queues a step on the next `n` samples of the order: loss, gradient, update.
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`] when the samples are not of the network's size or more than a batch;
    /// [`KernelError::BatchOfOne`]; [`KernelError::Device`].
    pub fn step(&mut self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
        self.check(samples, n)?;
        if self.architecture.norm == Norm::Batch && n < 2 {
            return Err(KernelError::BatchOfOne);
        }
        let pixels = self.machine.address(&samples.pixels);
        let found = self.recordings.iter_mut().position(|r| (r.samples, r.pixels) == (n, pixels));
        let Some(found) = found else {
            // The first time warms up: what libraries do then may not be recorded.
            self.recordings.push(Recorded { samples: n, pixels, recording: None });
            return self.queue(samples, n);
        };
        if self.recordings[found].recording.is_none() {
            let recording = self.machine.record(|| self.queue(samples, n))?;
            self.recordings[found].recording = Some(recording);
        }
        match &self.recordings[found].recording {
            // SAFETY: it was recorded for memories that are still there: those of this network, and these samples.
            Some(recording) => unsafe { self.machine.replay(recording) },
            None => Ok(()),
        }
    }

    /// Where the epoch stands. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`], of anything that was queued.
    pub fn progress(&self) -> Result<Progress, KernelError> {
        let State { total, failed, steps, stopped, .. } = self.read_state()?;
        Ok(Progress { total, steps: steps.into(), stopped: (stopped != 0).then_some(failed) })
    }

    /// A step on a batch that is not on the device; waits for it. Returns the loss before the update; when it is no finite
    /// number nothing has changed.
    ///
    /// # Shapes
    ///
    /// `inputs` (n, inputs) row by row, `labels` (n).
    ///
    /// # Errors
    ///
    /// Those of [`begin`](Self::begin) and [`step`](Self::step).
    pub fn step_on(&mut self, inputs: &[f32], labels: &[u32], loss: &Loss, step: &Step) -> Result<f64, KernelError> {
        let (width, n) = (self.architecture.inputs, labels.len());
        if inputs.len() != n * width {
            return Err(KernelError::Batch { found: inputs.len(), inputs: width });
        }
        let mut staged = self.stage()?;
        staged.set_floats(&self.machine, inputs, labels)?;
        let order: Vec<u32> = (0..n as u32).collect();
        self.begin(&order, (0, 0.0), loss, step)?;
        let done = self.step(&staged, n);
        self.staged = Some(staged);
        done?;
        let Progress { total, stopped, .. } = self.progress()?;
        if let Some(value) = stopped {
            // The caller decides what follows; the next step is tried again.
            let state = State { stopped: 0, ..self.read_state()? };
            self.write_state(&state)?;
            return Ok(value);
        }
        Ok(total / n as f64)
    }

    /// Features and logits of samples in evaluation mode.
    ///
    /// # Shapes
    ///
    /// Row by row: features (indices, features), logits (indices, classes).
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`] when the samples are not of the network's size; [`KernelError::Device`].
    pub fn evaluate(&mut self, samples: &Samples<M>, indices: &[u32]) -> Result<(Vec<f32>, Vec<f32>), KernelError> {
        let (mut features, mut logits) = (Vec::new(), Vec::new());
        for chunk in indices.chunks(CHUNK.min(self.plan.rows)) {
            self.check(samples, 1)?;
            self.machine.write(&mut self.evaluated.1.memory, 0, &u32_bytes(chunk))?;
            let order = (&self.evaluated.0, &self.evaluated.1.memory);
            self.gather(samples, order, (chunk.len(), chunk.len()))?;
            for index in 0..self.plan.layers.len() {
                self.products(index, chunk.len())?;
                let (layer, plan) = (self.bases().layer(&self.plan.layers[index]), &self.plan.layers[index]);
                let argument = Normalize { layer, samples: chunk.len() as u32, unused: 0 };
                self.launch("normalize_by_running", [blocks(chunk.len() * plan.ld()), 1], &argument)?;
            }
            let [.., hidden, top] = &self.plan.layers[..] else { continue };
            features.extend(self.read_rows(hidden.output, chunk.len(), hidden.units)?);
            logits.extend(self.read_rows(top.output, chunk.len(), top.units)?);
        }
        Ok((features, logits))
    }

    /// The same for samples that are not on the device; `inputs` (n, inputs) row by row.
    ///
    /// # Errors
    ///
    /// [`KernelError::Batch`]; [`KernelError::Device`].
    pub fn evaluate_on(&mut self, inputs: &[f32]) -> Result<(Vec<f32>, Vec<f32>), KernelError> {
        let width = self.architecture.inputs;
        if inputs.is_empty() || !inputs.len().is_multiple_of(width) {
            return Err(KernelError::Batch { found: inputs.len(), inputs: width });
        }
        let mut staged = self.stage()?;
        let (mut features, mut logits) = (Vec::new(), Vec::new());
        for chunk in inputs.chunks(staged.len() * width) {
            let n = chunk.len() / width;
            staged.set_floats(&self.machine, chunk, &vec![0; n])?;
            let (h, z) = self.evaluate(&staged, &(0..n as u32).collect::<Vec<_>>())?;
            features.extend(h);
            logits.extend(z);
        }
        self.staged = Some(staged);
        Ok((features, logits))
    }

    /// Room on the device for a batch from elsewhere.
    fn stage(&mut self) -> Result<Samples<M>, KernelError> {
        if let Some(staged) = self.staged.take() {
            return Ok(staged);
        }
        let (rows, inputs) = (self.plan.rows, self.architecture.inputs);
        let pixels = vec![0.0; rows * inputs];
        let labels = vec![0; rows];
        let stored = Stored {
            pixels: Pixels::Floats(&pixels),
            plane: inputs,
            constants: &[(1.0, 0.0)],
            copies: 1,
            labels: &labels,
        };
        Samples::new(&self.machine, &stored)
    }

    fn check(&self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
        let inputs = self.architecture.inputs;
        if samples.values_per_sample() != inputs {
            return Err(KernelError::Batch { found: samples.values_per_sample(), inputs });
        }
        if n == 0 || n > self.batch {
            return Err(KernelError::Size { name: "batch", value: n, least: 1 });
        }
        Ok(())
    }

    fn queue(&self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
        let narrow = [16, NARROW].into_iter().find(|&rows| n <= rows);
        self.gather(samples, (&self.state, &self.order.memory), (n, narrow.unwrap_or(n)))?;
        match narrow {
            Some(rows) => self.queue_narrow(samples, n, rows),
            None => self.queue_wide(samples, n),
        }
    }

    fn queue_narrow(&self, samples: &Samples<M>, n: usize, rows: usize) -> Result<(), KernelError> {
        let (forward, backward) =
            if rows == 16 { ("forward_16", "backward_16") } else { ("forward_32", "backward_32") };
        let bases = self.bases();
        for (index, plan) in self.plan.layers.iter().enumerate() {
            let (splits, rows_a_split) = splits(plan, self.machine.processors());
            let argument = Forward {
                x: self.input_of(index),
                weight: at(bases.values, plan.weight),
                partial: bases.work(self.plan.partial),
                arrived: self.machine.address(&self.arrived),
                layer: bases.layer(plan),
                samples: n as u32,
                inputs: plan.inputs as u32,
                ldx: plan.ldx() as u32,
                rows_a_split: rows_a_split as u32,
            };
            self.launch(forward, [plan.ld().div_ceil(64) as u32, splits as u32], &argument)?;
        }
        self.loss(samples, n, rows)?;
        let [mut delta, mut below] = self.plan.deltas.map(|offset| bases.work(offset));
        for (index, plan) in self.plan.layers.iter().enumerate().rev() {
            let top = index + 1 == self.plan.layers.len();
            let argument = Backward {
                settings: self.machine.address(&self.settings),
                state: self.machine.address(&self.state),
                x: self.input_of(index),
                delta,
                weight: bases.trained(plan.weight),
                below: if index > 0 { below } else { 0 },
                layer: index.checked_sub(1).map(|i| bases.layer(&self.plan.layers[i])).unwrap_or_default(),
                samples: n as u32,
                inputs: plan.inputs as u32,
                units: plan.units as u32,
                ld: plan.ld() as u32,
                ldx: plan.ldx() as u32,
                top: top.into(),
                fixed: (top && self.architecture.fixed_classifier).into(),
                unused: 0,
            };
            self.launch(backward, [plan.ldx().div_ceil(8 * NARROW / rows) as u32, 1], &argument)?;
            std::mem::swap(&mut delta, &mut below);
        }
        Ok(())
    }

    fn queue_wide(&self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
        let Some(gradient) = &self.gradient else {
            return Err(KernelError::Size { name: "batch", value: n, least: 1 });
        };
        let (bases, gradient) = (self.bases(), self.machine.address(gradient));
        for (index, plan) in self.plan.layers.iter().enumerate() {
            self.products(index, n)?;
            let argument = Normalize { layer: bases.layer(plan), samples: n as u32, unused: 0 };
            if plan.normed {
                self.launch("normalize", [plan.units.div_ceil(16) as u32, 1], &argument)?;
            } else {
                self.launch("normalize_by_running", [blocks(n * plan.ld()), 1], &argument)?;
            }
        }
        self.loss(samples, n, n)?;
        let [mut delta, mut below] = self.plan.deltas.map(|offset| bases.work(offset));
        for (index, plan) in self.plan.layers.iter().enumerate().rev() {
            let top = index + 1 == self.plan.layers.len();
            self.product(Product {
                m: plan.inputs,
                n: plan.units,
                k: n,
                a: (self.input_of(index), plan.ldx()),
                b: (delta, plan.ld()),
                c: (at(gradient, plan.weight), plan.ld()),
                transpose_a: true,
                transpose_b: false,
            })?;
            let Some(lower) = index.checked_sub(1).map(|i| &self.plan.layers[i]) else { break };
            self.product(Product {
                m: n,
                n: plan.inputs,
                k: plan.units,
                a: (delta, plan.ld()),
                b: (at(bases.values, plan.weight), plan.ld()),
                c: (below, plan.ldx()),
                transpose_a: false,
                transpose_b: true,
            })?;
            let of = bases.layer(lower);
            let gradient_of = |value: Address| gradient + (value - bases.values);
            let argument = NormalizeBackward {
                settings: self.machine.address(&self.settings),
                state: self.machine.address(&self.state),
                delta: below,
                bias: gradient_of(of.bias.value),
                scale: gradient_of(of.scale.value),
                shift: gradient_of(of.shift.value),
                layer: of,
                samples: n as u32,
                top: top.into(),
            };
            self.launch("normalize_backward", [lower.units.div_ceil(16) as u32, 1], &argument)?;
            std::mem::swap(&mut delta, &mut below);
        }
        self.queue_update()
    }

    /// Queues the update of all parameters alone, by the gradients of the last wide batch: what the memory can do.
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`] for a network of narrow batches, which has no gradients; [`KernelError::Device`].
    pub fn queue_update(&self) -> Result<(), KernelError> {
        let (Some(gradient), Some(top)) = (&self.gradient, self.plan.layers.last()) else {
            return Err(KernelError::Size { name: "batch", value: self.batch, least: NARROW + 1 });
        };
        let (bases, gradient) = (self.bases(), self.machine.address(gradient));
        let count = if self.architecture.fixed_classifier { top.weight } else { top.bias };
        let argument = Update {
            state: self.machine.address(&self.state),
            all: bases.trained(0),
            gradient,
            body: top.weight as u64,
            count: count as u64,
        };
        self.launch("update", [blocks(count / 4), 2], &argument)
    }

    /// Batch or evaluation chunk from the data set to the first layer's input; rows beyond the samples become zero.
    fn gather(
        &self,
        samples: &Samples<M>,
        (state, order): (&M::Memory, &M::Memory),
        (n, rows): (usize, usize),
    ) -> Result<(), KernelError> {
        let (pixels, ld) = (self.machine.address(&samples.pixels), pitch(self.architecture.inputs));
        let argument = Gather {
            state: self.machine.address(state),
            bytes: if samples.floats { 0 } else { pixels },
            floats: if samples.floats { pixels } else { 0 },
            order: self.machine.address(order),
            scale: self.machine.address(&samples.scale),
            shift: self.machine.address(&samples.shift),
            out: self.bases().work(self.plan.input),
            samples: n as u32,
            rows: rows as u32,
            values: samples.values as u32,
            copies: samples.copies as u32,
            plane: samples.plane as u32,
            ld: ld as u32,
        };
        self.launch("gather", [ld.div_ceil(super::THREADS as usize) as u32, rows as u32], &argument)
    }

    /// Products of a layer, without its bias.
    fn products(&self, index: usize, n: usize) -> Result<(), KernelError> {
        let (plan, bases) = (&self.plan.layers[index], self.bases());
        self.product(Product {
            m: n,
            n: plan.units,
            k: plan.inputs,
            a: (self.input_of(index), plan.ldx()),
            b: (at(bases.values, plan.weight), plan.ld()),
            c: (bases.work(plan.normal), plan.ld()),
            transpose_a: false,
            transpose_b: false,
        })
    }

    fn loss(&self, samples: &Samples<M>, n: usize, rows: usize) -> Result<(), KernelError> {
        let [.., hidden, top] = &self.plan.layers[..] else { return Ok(()) };
        let bases = self.bases();
        let fixed = self.architecture.fixed_classifier;
        let argument = LossStep {
            settings: self.machine.address(&self.settings),
            state: self.machine.address(&self.state),
            logits: bases.work(top.output),
            features: bases.work(hidden.output),
            transition: self.machine.address(&self.transition),
            labels: self.machine.address(&samples.labels),
            order: self.machine.address(&self.order.memory),
            delta: bases.work(self.plan.deltas[0]),
            bias: if fixed { Trained::default() } else { bases.trained(top.bias) },
            samples: n as u32,
            rows: rows as u32,
            classes: top.units as u32,
            ld: top.ld() as u32,
            features_units: hidden.units as u32,
            features_ld: hidden.ld() as u32,
        };
        self.launch("loss_step", [1, 1], &argument)
    }

    /// What a layer reads.
    fn input_of(&self, index: usize) -> Address {
        let offset = match index.checked_sub(1) {
            Some(below) => self.plan.layers[below].output,
            None => self.plan.input,
        };
        self.bases().work(offset)
    }

    fn bases(&self) -> Bases {
        let mut buffers = [0; 2];
        for (address, memory) in buffers.iter_mut().zip(&self.buffers) {
            *address = self.machine.address(memory);
        }
        Bases {
            values: self.machine.address(&self.values),
            buffers,
            statistics: self.machine.address(&self.statistics),
            work: self.machine.address(&self.work),
        }
    }

    fn launch<A: Copy>(&self, kernel: &'static str, blocks: [u32; 2], argument: &A) -> Result<(), KernelError> {
        // SAFETY: every address is of memory that this network or the borrowed samples own, laid out by the plan.
        unsafe { self.machine.launch(kernel, blocks, argument) }
    }

    fn product(&self, product: Product) -> Result<(), KernelError> {
        // SAFETY: as for kernels.
        unsafe { self.machine.product(&product) }
    }

    fn read_rows(&self, offset: usize, rows: usize, columns: usize) -> Result<Vec<f32>, KernelError> {
        let mut bytes = vec![0; 4 * rows * pitch(columns)];
        self.machine.read(&self.work, 4 * offset, &mut bytes)?;
        Ok(unpadded(&f32_values(&bytes), columns))
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
    let (Decay::Coupled(classifier_decay) | Decay::Decoupled(classifier_decay)) = step.classifier_decay;
    let settings = Settings {
        learning_rate: step.learning_rate,
        decay,
        classifier_decay,
        feature_decay: step.feature_decay,
        decoupled,
        ..Settings::default()
    };
    match optimizer {
        Optimizer::Sgd { momentum, .. } if momentum <= 0.0 => Settings { optimizer: 0, ..settings },
        Optimizer::Sgd { momentum, nesterov } => Settings { optimizer: 1 + u32::from(nesterov), momentum, ..settings },
        Optimizer::Adam { beta1, beta2, epsilon } => Settings { optimizer: 3, beta1, beta2, epsilon, ..settings },
    }
}

/// Blocks for so many values, a bounded number of them.
fn blocks(values: usize) -> u32 {
    values.div_ceil(super::THREADS as usize).clamp(1, 4096) as u32
}

/// Rows without what pads them.
fn unpadded(values: &[f32], columns: usize) -> Vec<f32> {
    values.chunks_exact(pitch(columns)).flat_map(|row| &row[..columns]).copied().collect()
}

impl<M: Machine> std::fmt::Debug for GpuMlp<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GpuMlp").field("architecture", &self.architecture).finish_non_exhaustive()
    }
}
