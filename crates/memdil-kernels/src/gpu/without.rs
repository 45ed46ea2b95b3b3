//! The stand-in for a CUDA device in a build without the feature `cuda`, which cannot be opened.

use std::marker::PhantomData;

use super::machine::{GpuCard, GpuMachine, MatrixProduct};
use crate::error::KernelError;

/// A stream of a CUDA device, which does not exist in this build. Like the real type it is neither
/// `Send` nor `Sync`.
#[derive(Clone, Debug)]
pub struct Cuda(Never, PhantomData<*const ()>);

/// A type without values.
#[derive(Clone, Debug)]
enum Never {}

impl Cuda {
    /// Opens a device by its number.
    ///
    /// # Errors
    ///
    /// Always [`KernelError::Device`], because this build lacks the feature `cuda`.
    pub fn open(_: usize) -> Result<Self, KernelError> {
        Err(KernelError::Device(
            "this program was built without the feature cuda".to_owned(),
        ))
    }

    /// Name and properties of the device.
    ///
    /// # Errors
    ///
    /// Never, because there is no device.
    pub fn card(&self) -> Result<GpuCard, KernelError> {
        match self.0 {}
    }

    /// Waits until all queued work is done.
    ///
    /// # Errors
    ///
    /// Never, because there is no device.
    pub fn wait(&self) -> Result<(), KernelError> {
        match self.0 {}
    }
}

// SAFETY: the type has no values.
unsafe impl GpuMachine for Cuda {
    type Memory = Self;
    type Recording = Self;

    fn zeros(&self, _: usize) -> Result<Self, KernelError> {
        match self.0 {}
    }

    fn address(&self, memory: &Self) -> u64 {
        match memory.0 {}
    }

    fn write(&self, _: &mut Self, _: usize, _: &[u8]) -> Result<(), KernelError> {
        match self.0 {}
    }

    fn read(&self, _: &Self, _: usize, _: &mut [u8]) -> Result<(), KernelError> {
        match self.0 {}
    }

    unsafe fn launch<A: Copy>(
        &self,
        _: &'static str,
        _: [u32; 2],
        _: &A,
    ) -> Result<(), KernelError> {
        match self.0 {}
    }

    unsafe fn product(&self, _: &MatrixProduct) -> Result<(), KernelError> {
        match self.0 {}
    }

    fn record(&self, _: impl FnOnce() -> Result<(), KernelError>) -> Result<Self, KernelError> {
        match self.0 {}
    }

    unsafe fn replay(&self, _: &Self) -> Result<(), KernelError> {
        match self.0 {}
    }

    fn processors(&self) -> u32 {
        match self.0 {}
    }

    fn queue(&self) -> u64 {
        match self.0 {}
    }
}
