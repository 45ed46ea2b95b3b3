//! A comparison of a device's training step with the CPU's in f64.

use super::loss::DeviceLoss;
use super::machine::GpuMachine;
use super::mlp::GpuMlp;
use crate::error::KernelError;
use crate::mlp::{Architecture, Mlp, TensorInfo};
use crate::optimizer::{Optimizer, Step};

/// Value and gradient of a loss from logits, (n, classes) row-major, and labels, (n), in f64.
pub type ReferenceLoss<'a> = &'a dyn Fn(&[f64], &[u32]) -> (f64, Vec<f64>);

/// A short training to run on both the device and the CPU.
#[derive(Clone, Copy)]
pub struct StepComparison<'a> {
    /// The network.
    pub architecture: Architecture,
    /// Its optimiser.
    pub optimizer: Optimizer,
    /// Constants of the steps.
    pub step: Step,
    /// The loss on the device, and on the CPU.
    pub loss: (&'a DeviceLoss, ReferenceLoss<'a>),
    /// Batch size of each step.
    pub batches: &'a [usize],
    /// Seed of parameters, inputs and labels.
    pub seed: u64,
}

/// The largest differences, measured as |found - expected| / (1 + |expected|).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deviation {
    /// Largest difference of the losses.
    pub loss: f64,
    /// Largest difference of parameters, running statistics and buffers after the last step.
    pub tensors: f64,
    /// Largest difference of features and logits in evaluation mode.
    pub evaluation: f64,
}

impl Deviation {
    /// The largest of the three differences; infinite if any is NaN.
    pub fn most(&self) -> f64 {
        [self.loss, self.tensors, self.evaluation]
            .into_iter()
            .fold(0.0, larger)
    }
}

impl StepComparison<'_> {
    /// Runs the steps on both sides. The device's working memory is filled with NaN first, so that
    /// a read beyond the batch shows in the result.
    ///
    /// # Errors
    ///
    /// As for [`GpuMlp`].
    pub fn run<M: GpuMachine>(&self, machine: M) -> Result<Deviation, KernelError> {
        let Self {
            architecture,
            ref step,
            loss: (loss, reference),
            batches,
            ..
        } = *self;
        let (mut gpu, mut cpu) = self.networks(machine)?;
        gpu.poison()?;
        let mut numbers = Numbers(self.seed + 1);
        let mut deviation = Deviation::default();
        for &n in batches {
            let inputs = numbers.values(n * architecture.inputs);
            let labels: Vec<u32> = (0..n)
                .map(|_| numbers.below(architecture.classes) as u32)
                .collect();
            let found = gpu.step_on(&inputs, &labels, loss, step)?;
            let logits = cpu.forward(&doubles(&inputs))?;
            let (value, gradient) = reference(&logits, &labels);
            let expected = value + cpu.feature_penalty(step.feature_decay);
            cpu.backward(&gradient, step)?;
            deviation.loss = larger(deviation.loss, difference(found, expected));
        }
        for TensorInfo { name, .. } in gpu.tensors() {
            deviation.tensors = larger(
                deviation.tensors,
                differences(&gpu.get(&name)?, &cpu.get(&name)?),
            );
        }
        let inputs = numbers.values(5 * architecture.inputs);
        let ((features, logits), (h, z)) =
            (gpu.evaluate_on(&inputs)?, cpu.evaluate(&doubles(&inputs))?);
        deviation.evaluation = larger(differences(&features, &h), differences(&logits, &z));
        Ok(deviation)
    }

    /// The same network on both sides, with pseudorandom parameters and buffers.
    ///
    /// # Errors
    ///
    /// As for [`GpuMlp::new`].
    pub fn networks<M: GpuMachine>(
        &self,
        machine: M,
    ) -> Result<(GpuMlp<M>, Mlp<f64>), KernelError> {
        let most = self.batches.iter().copied().max().unwrap_or(1);
        let mut gpu = GpuMlp::new(machine, self.architecture, self.optimizer, most)?;
        let mut cpu = Mlp::<f64>::new(self.architecture, self.optimizer)?;
        let mut numbers = Numbers(self.seed);
        for TensorInfo { name, shape, .. } in gpu.tensors() {
            let one = f32::from(name.ends_with("norm.weight") || name.ends_with("running_var"));
            let fan_in = if let [inputs, _] = shape[..] {
                inputs as f32
            } else {
                6.0
            };
            let scale = if name.starts_with("momentum") || name.contains("moment.") {
                0.01
            } else {
                fan_in.sqrt().recip()
            };
            let mut values = numbers.values(shape.iter().product());
            for value in &mut values {
                // A second moment must not be negative.
                *value = if name.starts_with("second") {
                    scale * *value * *value
                } else {
                    one + scale * *value
                };
            }
            gpu.set(&name, &values)?;
            cpu.set(&name, &doubles(&values))?;
        }
        Ok((gpu, cpu))
    }
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| v.into()).collect()
}

fn differences(found: &[f32], expected: &[f64]) -> f64 {
    let pairs = found.iter().zip(expected);
    let most = pairs
        .map(|(&found, &expected)| difference(found.into(), expected))
        .fold(0.0, larger);
    if found.len() == expected.len() {
        most
    } else {
        f64::INFINITY
    }
}

/// The difference of two numbers: |found - expected| / (1 + |expected|).
pub fn difference(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / (1.0 + expected.abs())
}

/// The larger number, or infinity if either is NaN.
pub fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::INFINITY
    } else {
        a.max(b)
    }
}

/// A pseudorandom generator (Knuth's linear congruential generator); the field is its state.
#[derive(Clone, Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A pseudorandom integer below n.
    pub fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n
    }

    /// `n` pseudorandom numbers in [-1, 1).
    pub fn values(&mut self, n: usize) -> Vec<f32> {
        (0..n)
            .map(|_| (self.next() as f64 / (1_u64 << 30) as f64 - 1.0) as f32)
            .collect()
    }
}
