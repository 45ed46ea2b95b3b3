//! What a step queues: narrow batches by our own kernels, wide ones with products between them.

use super::GpuMlp;
use crate::KernelError;
use crate::gpu::arguments::{
    Address, Backward, Forward, Gather, LossStep, Normalize, NormalizeBackward, Trained, Update,
};
use crate::gpu::plan::{Bases, NARROW, at, pitch, splits};
use crate::gpu::{Machine, Product, Samples, THREADS};

impl<M: Machine> GpuMlp<M> {
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
            self.launch(
                forward,
                [plan.ld().div_ceil(64) as u32, splits as u32],
                &argument,
            )?;
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
                layer: index
                    .checked_sub(1)
                    .map(|i| bases.layer(&self.plan.layers[i]))
                    .unwrap_or_default(),
                samples: n as u32,
                inputs: plan.inputs as u32,
                units: plan.units as u32,
                ld: plan.ld() as u32,
                ldx: plan.ldx() as u32,
                top: top.into(),
                fixed: (top && self.architecture.fixed_classifier).into(),
                unused: 0,
            };
            self.launch(
                backward,
                [plan.ldx().div_ceil(8 * NARROW / rows) as u32, 1],
                &argument,
            )?;
            std::mem::swap(&mut delta, &mut below);
        }
        Ok(())
    }

    fn queue_wide(&self, samples: &Samples<M>, n: usize) -> Result<(), KernelError> {
        let Some(gradient) = &self.gradient else {
            return Err(KernelError::Size {
                name: "batch",
                value: n,
                least: 1,
            });
        };
        let (bases, gradient) = (self.bases(), self.machine.address(gradient));
        for (index, plan) in self.plan.layers.iter().enumerate() {
            self.products(index, n)?;
            let argument = Normalize {
                layer: bases.layer(plan),
                samples: n as u32,
                unused: 0,
            };
            if plan.normed {
                self.launch("normalize", [plan.units.div_ceil(16) as u32, 1], &argument)?;
            } else {
                self.launch(
                    "normalize_by_running",
                    [blocks(n * plan.ld()), 1],
                    &argument,
                )?;
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
            let Some(lower) = index.checked_sub(1).map(|i| &self.plan.layers[i]) else {
                break;
            };
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
            self.launch(
                "normalize_backward",
                [lower.units.div_ceil(16) as u32, 1],
                &argument,
            )?;
            std::mem::swap(&mut delta, &mut below);
        }
        self.queue_update()
    }

    /// Queues the update of all parameters alone, by the gradients of the last wide batch: what the
    /// memory can do.
    ///
    /// # Errors
    ///
    /// [`KernelError::Size`] for a network of narrow batches, which has no gradients;
    /// [`KernelError::Device`].
    pub fn queue_update(&self) -> Result<(), KernelError> {
        let (Some(gradient), Some(top)) = (&self.gradient, self.plan.layers.last()) else {
            return Err(KernelError::Size {
                name: "batch",
                value: self.batch,
                least: NARROW + 1,
            });
        };
        let (bases, gradient) = (self.bases(), self.machine.address(gradient));
        let count = if self.architecture.fixed_classifier {
            top.weight
        } else {
            top.bias
        };
        let argument = Update {
            state: self.machine.address(&self.state),
            all: bases.trained(0),
            gradient,
            body: top.weight as u64,
            count: count as u64,
        };
        self.launch("update", [blocks(count / 4), 2], &argument)
    }

    /// Batch or evaluation chunk from the data set to the first layer's input; rows beyond the
    /// samples become zero.
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
            out: self.bases().work(self.plan.input),
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

    /// Products of a layer, without its bias.
    pub(super) fn products(&self, index: usize, n: usize) -> Result<(), KernelError> {
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
        let [.., hidden, top] = &self.plan.layers[..] else {
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
            delta: bases.work(self.plan.deltas[0]),
            bias: if fixed {
                Trained::default()
            } else {
                bases.trained(top.bias)
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

    /// What a layer reads.
    pub(super) fn input_of(&self, index: usize) -> Address {
        let offset = match index.checked_sub(1) {
            Some(below) => self.plan.layers[below].output,
            None => self.plan.input,
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
        // SAFETY: every address is of memory that this network or the borrowed samples own, laid
        // out by the plan.
        unsafe { self.machine.launch(kernel, blocks, argument) }
    }

    fn product(&self, product: Product) -> Result<(), KernelError> {
        // SAFETY: as for kernels.
        unsafe { self.machine.product(&product) }
    }
}

/// Blocks for so many values, a bounded number of them.
pub(super) fn blocks(values: usize) -> u32 {
    values.div_ceil(THREADS as usize).clamp(1, 4096) as u32
}
