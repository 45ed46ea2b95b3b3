//! A data set in the device's memory.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Machine;
use crate::KernelError;

/// Samples as a data set stores them: bytes are normalised where they are needed.
#[derive(Clone, Copy, Debug)]
pub enum Pixels<'a> {
    /// One byte a value.
    Bytes(&'a [u8]),
    /// One float a value.
    Floats(&'a [f32]),
}

/// What to keep on the device.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Values of all samples, (n, channels, plane).
    pub pixels: Pixels<'a>,
    /// Values of a stored channel.
    pub plane: usize,
    /// What a value is multiplied by and what is added then, for each stored channel.
    pub constants: &'a [(f32, f32)],
    /// How often the channels of a sample follow each other in what the network reads.
    pub copies: usize,
    /// A label for each sample.
    pub labels: &'a [u32],
}

/// A data set in the device's memory, with its labels.
pub struct Samples<M: Machine> {
    pub(super) pixels: M::Memory,
    pub(super) floats: bool,
    pub(super) labels: M::Memory,
    pub(super) scale: M::Memory,
    pub(super) shift: M::Memory,
    pub(super) count: usize,
    pub(super) values: usize,
    pub(super) plane: usize,
    pub(super) copies: usize,
    /// The largest label.
    pub(super) last_label: usize,
    /// What no other samples have, even at the same address later.
    pub(super) id: u64,
    pub(super) queue: u64,
}

static IDS: AtomicU64 = AtomicU64::new(0);

impl<M: Machine> Samples<M> {
    /// Copies a data set to the device.
    ///
    /// # Errors
    ///
    /// [`KernelError::Length`] when there is not a whole sample for each label;
    /// [`KernelError::Device`].
    pub fn new(machine: &M, stored: &Stored<'_>) -> Result<Self, KernelError> {
        let values = stored.plane * stored.constants.len();
        let (found, floats) = match stored.pixels {
            Pixels::Bytes(bytes) => (bytes.len(), false),
            Pixels::Floats(floats) => (floats.len(), true),
        };
        let expected = values * stored.labels.len();
        if found != expected {
            return Err(KernelError::Length {
                name: "pixels".to_owned(),
                found,
                expected,
            });
        }
        let (scale, shift): (Vec<f32>, Vec<f32>) = stored.constants.iter().copied().unzip();
        let pixels = match stored.pixels {
            Pixels::Bytes(bytes) => upload(machine, bytes)?,
            Pixels::Floats(floats) => upload(machine, &f32_bytes(floats))?,
        };
        Ok(Self {
            pixels,
            floats,
            labels: upload(machine, &u32_bytes(stored.labels))?,
            scale: upload(machine, &f32_bytes(&scale))?,
            shift: upload(machine, &f32_bytes(&shift))?,
            count: stored.labels.len(),
            values,
            plane: stored.plane,
            copies: stored.copies,
            last_label: last(stored.labels),
            id: IDS.fetch_add(1, Ordering::Relaxed),
            queue: machine.queue(),
        })
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Values of a sample as the network reads it.
    pub fn values_per_sample(&self) -> usize {
        self.values * self.copies
    }

    /// Replaces the values of all samples, which are floats.
    pub(super) fn set_floats(
        &mut self,
        machine: &M,
        values: &[f32],
        labels: &[u32],
    ) -> Result<(), KernelError> {
        self.last_label = last(labels);
        machine.write(&mut self.pixels, 0, &f32_bytes(values))?;
        machine.write(&mut self.labels, 0, &u32_bytes(labels))
    }
}

/// The largest of some numbers; zero where there is none.
pub(super) fn last(numbers: &[u32]) -> usize {
    numbers.iter().max().map_or(0, |&number| number as usize)
}

pub(super) fn upload<M: Machine>(machine: &M, bytes: &[u8]) -> Result<M::Memory, KernelError> {
    let mut memory = machine.zeros(bytes.len().max(1))?;
    machine.write(&mut memory, 0, bytes)?;
    Ok(memory)
}

pub(super) fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_ne_bytes()).collect()
}

pub(super) fn u32_bytes(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_ne_bytes()).collect()
}

pub(super) fn f64_bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_ne_bytes()).collect()
}

pub(super) fn f32_values(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|b| f32::from_ne_bytes(*b))
        .collect()
}
