//! A data set in the device's memory.

use std::sync::atomic::{AtomicU64, Ordering};

use bytemuck::cast_slice;

use super::machine::GpuMachine;
use super::memory::upload;
use crate::error::{KernelError, check_length};

/// Samples as a data set stores them; they are normalised when a batch is gathered.
#[derive(Clone, Copy, Debug)]
pub enum StoredPixels<'a> {
    /// One byte per value.
    Bytes(&'a [u8]),
    /// One float per value.
    Floats(&'a [f32]),
}

/// A data set to be copied to the device.
#[derive(Clone, Copy, Debug)]
pub struct StoredSamples<'a> {
    /// Values of all samples, (n, channels, plane).
    pub pixels: StoredPixels<'a>,
    /// Values per stored channel.
    pub plane: usize,
    /// Factor and term that normalise the values of each stored channel.
    pub constants: &'a [(f32, f32)],
    /// Number of times that the channels of a sample are repeated in the network's input.
    pub copies: usize,
    /// The label of each sample.
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
    /// Unique identifier, because memory addresses may be reused.
    pub(super) id: u64,
    pub(super) queue: u64,
}

static IDS: AtomicU64 = AtomicU64::new(0);

impl<M: GpuMachine> Samples<M> {
    /// Copies a data set to the device.
    ///
    /// # Errors
    ///
    /// [`KernelError::Length`] if the pixels are not one whole sample per label;
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

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Values per sample of the network's input.
    pub fn values_per_sample(&self) -> usize {
        self.values * self.copies
    }

    /// Replaces the values, stored as floats, and the labels.
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

/// The largest number, or 0 if there are none.
pub(super) fn largest(numbers: &[u32]) -> usize {
    numbers.iter().max().map_or(0, |&number| number as usize)
}
