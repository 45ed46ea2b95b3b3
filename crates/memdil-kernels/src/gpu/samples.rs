//! A data set in the device's memory.

use std::sync::atomic::{AtomicU64, Ordering};

use bytemuck::cast_slice;

use super::machine::GpuMachine;
use super::memory::upload;
use crate::error::{KernelError, check_length};

/// Samples as a data set stores them: bytes are normalised where they are needed.
#[derive(Clone, Copy, Debug)]
pub enum StoredPixels<'a> {
    /// One byte a value.
    Bytes(&'a [u8]),
    /// One float a value.
    Floats(&'a [f32]),
}

/// A data set to be copied to the device.
#[derive(Clone, Copy, Debug)]
pub struct StoredSamples<'a> {
    /// Values of all samples, (n, channels, plane).
    pub pixels: StoredPixels<'a>,
    /// Values of a stored channel.
    pub plane: usize,
    /// Factor and term of each stored channel, which normalise its values.
    pub constants: &'a [(f32, f32)],
    /// How often the channels of a sample follow each other in what the network reads.
    pub copies: usize,
    /// A label for each sample.
    pub labels: &'a [u32],
}

/// A data set in the device's memory, with its labels.
pub struct Samples<M: GpuMachine> {
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
    /// Unique to these samples, even if others are at the same address later.
    pub(super) id: u64,
    pub(super) queue: u64,
}

static IDS: AtomicU64 = AtomicU64::new(0);

impl<M: GpuMachine> Samples<M> {
    /// Copies a data set to the device.
    ///
    /// # Errors
    ///
    /// [`KernelError::Length`] when there is not a whole sample for each label;
    /// [`KernelError::Device`].
    pub fn new(machine: &M, stored: &StoredSamples<'_>) -> Result<Self, KernelError> {
        let values = stored.plane * stored.constants.len();
        let expected = values * stored.labels.len();
        let (pixels, floats) = match stored.pixels {
            StoredPixels::Bytes(bytes) => {
                check_length("pixels", bytes, expected)?;
                (upload(machine, bytes)?, false)
            }
            StoredPixels::Floats(floats) => {
                check_length("pixels", floats, expected)?;
                (upload(machine, floats)?, true)
            }
        };
        let (scale, shift): (Vec<f32>, Vec<f32>) = stored.constants.iter().copied().unzip();
        Ok(Self {
            pixels,
            floats,
            labels: upload(machine, stored.labels)?,
            scale: upload(machine, &scale)?,
            shift: upload(machine, &shift)?,
            count: stored.labels.len(),
            values,
            plane: stored.plane,
            copies: stored.copies,
            last_label: largest(stored.labels),
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
        self.last_label = largest(labels);
        machine.write(&mut self.pixels, 0, cast_slice(values))?;
        machine.write(&mut self.labels, 0, cast_slice(labels))
    }
}

/// The largest of some numbers; zero where there is none.
pub(super) fn largest(numbers: &[u32]) -> usize {
    numbers.iter().max().map_or(0, |&number| number as usize)
}
