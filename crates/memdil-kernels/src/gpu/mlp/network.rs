//! The network on a device: its memory, and access to its tensors by name.

use bytemuck::{bytes_of, bytes_of_mut, cast_slice};

use crate::error::{KernelError, check_length, check_sizes};
use crate::gpu::arguments::{Address, Settings, State};
use crate::gpu::layout::{Arena, Bases, DeviceLayout, NARROW, TensorLocation};
use crate::gpu::machine::{GpuMachine, MatrixProduct};
use crate::gpu::memory::{download, padded, pitch, unpadded};
use crate::gpu::samples::{Samples, StoredPixels, StoredSamples};
use crate::mlp::{Architecture, Norm, TensorInfo, TensorRole};
use crate::optimizer::Optimizer;

/// Most recorded steps to keep; an epoch has two, for a full batch and for the last one.
pub(super) const RECORDINGS: usize = 8;
/// Most samples per forward pass of an evaluation.
pub(super) const CHUNK: usize = 512;

/// A multilayer perceptron in training on a device, in f32. Tensors, names and formulas are those
/// of [`Mlp`](crate::Mlp).
pub struct GpuMlp<M: GpuMachine> {
    pub(super) architecture: Architecture,
    pub(super) optimizer: Optimizer,
    pub(super) layout: DeviceLayout,
    /// Most samples per batch.
    pub(super) batch: usize,
    pub(super) values: M::Memory,
    pub(super) buffers: Vec<M::Memory>,
    pub(super) statistics: M::Memory,
    pub(super) work: M::Memory,
    /// Gradients of all parameters, for batches that are not narrow.
    pub(super) gradient: Option<M::Memory>,
    pub(super) arrived: M::Memory,
    pub(super) settings: M::Memory,
    pub(super) state: M::Memory,
    pub(super) transition: M::Memory,
    pub(super) order: OrderMemory<M>,
    /// The largest index in the order; `ordered` is the length of the order, and `queued` the
    /// number of its samples that steps were queued for.
    pub(super) last_sample: usize,
    pub(super) ordered: usize,
    pub(super) queued: usize,
    /// State and order of an evaluation; the state stays zero.
    pub(super) evaluated: (M::Memory, M::Memory),
    /// Memory for a batch from the host.
    pub(super) staged: Option<Samples<M>>,
    pub(super) recordings: Vec<Recorded<M>>,
    /// The last field, so that it is dropped after the memories.
    pub(super) machine: M,
}

/// Memory for the order of an epoch's samples and for their logits, which grows if needed.
pub(super) struct OrderMemory<M: GpuMachine> {
    pub(super) memory: M::Memory,
    /// Logits of the training steps in this order, (values, classes).
    pub(super) logits: M::Memory,
    pub(super) values: usize,
}

/// A recorded step.
pub(super) struct Recorded<M: GpuMachine> {
    pub(super) samples: usize,
    pub(super) id: u64,
    /// `None` after the first step, which is not recorded.
    pub(super) recording: Option<M::Recording>,
}

impl<M: GpuMachine> GpuMlp<M> {
    /// A network whose tensors are zero (scales and running variances are one), for batches of at
    /// most `batch` samples.
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
        architecture.check()?;
        check_sizes(&[("batch", batch, 1)])?;
        if architecture.norm == Norm::Layer {
            return Err(KernelError::Unsupported("layer normalisation"));
        }
        let rows = batch.max(CHUNK);
        let layout = DeviceLayout::new(&architecture, optimizer, rows, machine.processors());
        let stripes = layout.layers.iter().map(|layer| layer.ld().div_ceil(64));
        let stripes = stripes.max().unwrap_or_default();
        let zeros = |values: usize| machine.zeros(4 * values.max(1));
        let buffers = optimizer.buffers().iter();
        let mut network = Self {
            values: zeros(layout.values)?,
            buffers: buffers
                .map(|_| zeros(layout.values))
                .collect::<Result<_, _>>()?,
            statistics: zeros(layout.statistics)?,
            work: zeros(layout.work)?,
            gradient: (batch > NARROW).then(|| zeros(layout.values)).transpose()?,
            arrived: zeros(stripes)?,
            settings: machine.zeros(size_of::<Settings>())?,
            state: machine.zeros(size_of::<State>())?,
            transition: machine.zeros(8 * architecture.classes * architecture.classes)?,
            order: OrderMemory {
                memory: zeros(batch)?,
                logits: zeros(batch * architecture.classes)?,
                values: batch,
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
            layout,
            batch,
        };
        for tensor in network.tensors() {
            if tensor.name.ends_with("norm.weight") && tensor.role == TensorRole::Parameter
                || tensor.name.ends_with("norm.running_var")
            {
                network.set(&tensor.name, &vec![1.0; tensor.shape[0]])?;
            }
        }
        Ok(network)
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The device.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// All tensors: parameters from the input to the classifier, then running statistics, then
    /// buffers of the optimiser.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let locations = self.layout.locations.iter();
        locations.map(|found| found.tensor.clone()).collect()
    }

    /// The values of a tensor, row-major. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`]; [`KernelError::Device`].
    pub fn get(&self, name: &str) -> Result<Vec<f32>, KernelError> {
        let location = self.locate(name)?;
        let (rows, columns) = location.tensor.rows_and_columns();
        let memory = match location.arena {
            Arena::Values => &self.values,
            Arena::Buffer(index) => &self.buffers[index],
            Arena::Statistics => &self.statistics,
        };
        self.read_rows(memory, location.offset, (rows, columns))
    }

    /// Replaces the values of a tensor, row-major.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`], [`KernelError::Length`]; [`KernelError::Device`].
    pub fn set(&mut self, name: &str, values: &[f32]) -> Result<(), KernelError> {
        let location = self.locate(name)?;
        let (rows, columns) = location.tensor.rows_and_columns();
        let (arena, offset) = (location.arena, location.offset);
        check_length(name, values, rows * columns)?;
        let padded = padded(values, columns);
        let memory = match arena {
            Arena::Values => &mut self.values,
            Arena::Buffer(index) => &mut self.buffers[index],
            Arena::Statistics => &mut self.statistics,
        };
        self.machine.write(memory, 4 * offset, cast_slice(&padded))
    }

    /// Reads the rows of a matrix in the device's memory that starts at an offset in values.
    pub(super) fn read_rows(
        &self,
        memory: &M::Memory,
        offset: usize,
        (rows, columns): (usize, usize),
    ) -> Result<Vec<f32>, KernelError> {
        let values = download(&self.machine, memory, 4 * offset, rows * pitch(columns))?;
        Ok(unpadded(&values, columns))
    }

    fn locate(&self, name: &str) -> Result<&TensorLocation, KernelError> {
        let mut locations = self.layout.locations.iter();
        let found = locations.find(|location| location.tensor.name == name);
        found.ok_or_else(|| KernelError::Unknown(name.to_owned()))
    }

    /// Sets the number of steps to resume a training; Adam's bias correction depends on it.
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

    /// Fills the working memory of steps and evaluations with NaN, so that a read of a value that
    /// was not written shows in the result.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`].
    pub fn poison(&mut self) -> Result<(), KernelError> {
        let poison = vec![f32::NAN; self.layout.work];
        self.machine.write(&mut self.work, 0, cast_slice(&poison))
    }

    pub(super) fn read_state(&self) -> Result<State, KernelError> {
        let mut state = State::default();
        self.machine
            .read(&self.state, 0, bytes_of_mut(&mut state))?;
        Ok(state)
    }

    pub(super) fn write_state(&mut self, state: &State) -> Result<(), KernelError> {
        self.machine.write(&mut self.state, 0, bytes_of(state))
    }

    /// Memory on the device for a batch from the host.
    pub(super) fn stage(&mut self) -> Result<Samples<M>, KernelError> {
        if let Some(staged) = self.staged.take() {
            return Ok(staged);
        }
        let (rows, inputs) = (self.layout.rows, self.architecture.inputs);
        let pixels = vec![0.0; rows * inputs];
        let labels = vec![0; rows];
        let stored = StoredSamples {
            pixels: StoredPixels::Floats(&pixels),
            plane: inputs,
            constants: &[(1.0, 0.0)],
            copies: 1,
            labels: &labels,
        };
        Samples::new(&self.machine, &stored)
    }

    /// The address of a layer's input.
    pub(super) fn input_of(&self, index: usize) -> Address {
        let offset = match index.checked_sub(1) {
            Some(below) => self.layout.layers[below].output,
            None => self.layout.input,
        };
        self.bases().work(offset)
    }

    pub(super) fn bases(&self) -> Bases {
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

    pub(super) fn launch<A: Copy>(
        &self,
        kernel: &'static str,
        blocks: [u32; 2],
        argument: &A,
    ) -> Result<(), KernelError> {
        // SAFETY: every address points to memory of this network or of the borrowed samples, with
        // the sizes of the layout.
        unsafe { self.machine.launch(kernel, blocks, argument) }
    }

    pub(super) fn product(&self, product: MatrixProduct) -> Result<(), KernelError> {
        // SAFETY: as in `launch`.
        unsafe { self.machine.product(&product) }
    }
}

impl<M: GpuMachine> std::fmt::Debug for GpuMlp<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GpuMlp")
            .field("architecture", &self.architecture)
            .finish_non_exhaustive()
    }
}
