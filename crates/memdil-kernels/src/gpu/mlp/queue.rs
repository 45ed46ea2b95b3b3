//! Queues the work of a step: fused kernels for narrow batches, matrix products and smaller kernels
//! for wide ones.

use super::network::GpuMlp;
use crate::error::KernelError;
use crate::gpu::arguments::{
    Address, Backward, Forward, Gather, LossStep, Normalize, NormalizeBackward, Trained, Update,
};
use crate::gpu::layout::{NARROW, at, splits};
use crate::gpu::machine::{GpuMachine, MatrixProduct, THREADS};
use crate::gpu::memory::pitch;
use crate::gpu::samples::Samples;
use crate::mlp::LayerPart;

impl<M: GpuMachine> GpuMlp<M> {
    pub(super) fn queue(&self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
        let narrow = [16, NARROW].into_iter().find(|&rows| n <= rows);
        self.gather(
            samples,
            (&self.state, &self.order.memory),
            (n, narrow.unwrap_or(n)),
        )?;
        match narrow {
            Some(rows) => self.queue_narrow(samples, n, rows),
            None => self.queue_wide(samples, n),
        }
    }

    fn queue_narrow(&self, samples: &Samples<M>, n: usize, rows: usize) -> Result<(), KernelError> {
        let (forward, backward) = if rows == 16 {
            ("forward_16", "backward_16")
        } else {
            ("forward_32", "backward_32")
        };
        let bases = self.bases();
        for (index, layer) in self.layout.layers.iter().enumerate() {
            let (splits, rows_a_split) = splits(layer, self.machine.processors());
            let argument = Forward {
                x: self.input_of(index),
                weight: at(bases.values, layer.offset(LayerPart::Weight)),
                partial: bases.work(self.layout.partial),
                arrived: self.machine.address(&self.arrived),
                layer: bases.layer(layer),
                samples: n as u32,
                inputs: layer.inputs as u32,
                ldx: layer.ldx() as u32,
                rows_a_split: rows_a_split as u32,
            };
            self.launch(
                forward,
                [layer.ld().div_ceil(64) as u32, splits as u32],
                &argument,
            )?;
        }
        self.loss(samples, n, rows)?;
        let [mut delta, mut below] = self.layout.deltas.map(|offset| bases.work(offset));
        for (index, layer) in self.layout.layers.iter().enumerate().rev() {
            let top = index + 1 == self.layout.layers.len();
            let argument = Backward {
                settings: self.machine.address(&self.settings),
                state: self.machine.address(&self.state),
                x: self.input_of(index),
                delta,
                weight: bases.trained(layer.offset(LayerPart::Weight)),
                below: if index > 0 { below } else { 0 },
                layer: index
                    .checked_sub(1)
                    .map(|i| bases.layer(&self.layout.layers[i]))
                    .unwrap_or_default(),
                samples: n as u32,
                inputs: layer.inputs as u32,
                units: layer.units as u32,
                ld: layer.ld() as u32,
                ldx: layer.ldx() as u32,
                top: top.into(),
                fixed: (top && self.architecture.fixed_classifier).into(),
                unused: 0,
            };
            self.launch(
                backward,
                [layer.ldx().div_ceil(8 * NARROW / rows) as u32, 1],
                &argument,
            )?;
            std::mem::swap(&mut delta, &mut below);
        }
        Ok(())
    }

    fn queue_wide(&self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
        let (bases, gradient) = (self.bases(), self.gradient_address()?);
        for index in 0..self.layout.layers.len() {
            self.queue_layer(index, n, true)?;
        }
        self.loss(samples, n, n)?;
        let [mut delta, mut below] = self.layout.deltas.map(|offset| bases.work(offset));
        for (index, layer) in self.layout.layers.iter().enumerate().rev() {
            let top = index + 1 == self.layout.layers.len();
            self.product(MatrixProduct {
                m: layer.inputs,
                n: layer.units,
                k: n,
                a: (self.input_of(index), layer.ldx()),
                b: (delta, layer.ld()),
                c: (at(gradient, layer.offset(LayerPart::Weight)), layer.ld()),
                transpose_a: true,
                transpose_b: false,
            })?;
            let Some(lower) = index.checked_sub(1).map(|i| &self.layout.layers[i]) else {
                break;
            };
            self.product(MatrixProduct {
                m: n,
                n: layer.inputs,
                k: layer.units,
                a: (delta, layer.ld()),
                b: (
                    at(bases.values, layer.offset(LayerPart::Weight)),
                    layer.ld(),
                ),
                c: (below, layer.ldx()),
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
            self.launch(
                "normalize_backward",
                [lower.units.div_ceil(16) as u32, 1],
                &argument,
            )?;
            std::mem::swap(&mut delta, &mut below);
        }
        self.queue_update()
    }

    fn gradient_address(&self) -> Result<Address, KernelError> {
        match &self.gradient {
            Some(gradient) => Ok(self.machine.address(gradient)),
            None => Err(KernelError::Size {
                name: "batch",
                value: self.batch,
                least: NARROW + 1,
            }),
        }
    }

    /// Queues only the update of all parameters by the gradients of the last wide batch. Timing it
    /// measures the memory bandwidth.
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`] for a network of narrow batches, which stores no gradients;
    /// [`KernelError::Device`].
    pub fn queue_update(&self) -> Result<(), KernelError> {
        let (bases, gradient) = (self.bases(), self.gradient_address()?);
        let top = &self.layout.layers[self.architecture.depth];
        let count = if self.architecture.fixed_classifier {
            top.offset(LayerPart::Weight)
        } else {
            top.offset(LayerPart::Bias)
        };
        let argument = Update {
            state: self.machine.address(&self.state),
            all: bases.trained(0),
            gradient,
            body: top.offset(LayerPart::Weight) as u64,
            count: count as u64,
        };
        self.launch("update", [blocks(count / 4), 2], &argument)
    }

    /// Gathers a batch or an evaluation chunk from the data set into the first layer's input; rows
    /// beyond the samples become zero.
    pub(super) fn gather(
        &self,
        samples: &Samples<M>,
        (state, order): (&M::Memory, &M::Memory),
        (n, rows): (usize, usize),
    ) -> Result<(), KernelError> {
        let (pixels, ld) = (
            self.machine.address(&samples.pixels),
            pitch(self.architecture.inputs),
        );
        let argument = Gather {
            state: self.machine.address(state),
            bytes: if samples.floats { 0 } else { pixels },
            floats: if samples.floats { pixels } else { 0 },
            order: self.machine.address(order),
            scale: self.machine.address(&samples.scale),
            shift: self.machine.address(&samples.shift),
            out: self.bases().work(self.layout.input),
            samples: n as u32,
            rows: rows as u32,
            values: samples.values as u32,
            copies: samples.copies as u32,
            plane: samples.plane as u32,
            ld: ld as u32,
        };
        self.launch(
            "gather",
            [
                ld.div_ceil(THREADS as usize) as u32,
                rows.min(65_535) as u32,
            ],
            &argument,
        )
    }

    /// Queues the forward pass of a layer, normalised by the batch or by the running statistics.
    pub(super) fn queue_layer(
        &self,
        index: usize,
        n: usize,
        training: bool,
    ) -> Result<(), KernelError> {
        let (layer, bases) = (&self.layout.layers[index], self.bases());
        self.product(MatrixProduct {
            m: n,
            n: layer.units,
            k: layer.inputs,
            a: (self.input_of(index), layer.ldx()),
            b: (
                at(bases.values, layer.offset(LayerPart::Weight)),
                layer.ld(),
            ),
            c: (bases.work(layer.normal), layer.ld()),
            transpose_a: false,
            transpose_b: false,
        })?;
        let argument = Normalize {
            layer: bases.layer(layer),
            samples: n as u32,
            unused: 0,
        };
        let (kernel, count) = if training && layer.normed {
            ("normalize", layer.units.div_ceil(16) as u32)
        } else {
            ("normalize_by_running", blocks(n * layer.ld()))
        };
        self.launch(kernel, [count, 1], &argument)
    }

    fn loss(&self, samples: &Samples<M>, n: usize, rows: usize) -> Result<(), KernelError> {
        let [.., hidden, top] = &self.layout.layers[..] else {
            return Ok(());
        };
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
            delta: bases.work(self.layout.deltas[0]),
            kept: self.machine.address(&self.order.logits),
            bias: if fixed {
                Trained::default()
            } else {
                bases.trained(top.offset(LayerPart::Bias))
            },
            samples: n as u32,
            rows: rows as u32,
            classes: top.units as u32,
            ld: top.ld() as u32,
            features_units: hidden.units as u32,
            features_ld: hidden.ld() as u32,
        };
        self.launch("loss_step", [1, 1], &argument)
    }
}

/// The number of blocks for `values` values, at most 4096.
fn blocks(values: usize) -> u32 {
    values.div_ceil(THREADS as usize).clamp(1, 4096) as u32
}
