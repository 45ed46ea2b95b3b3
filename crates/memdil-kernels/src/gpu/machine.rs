//! The interface to a device that runs the kernels: a CUDA device, or an emulation in tests.

use crate::error::KernelError;

/// Threads per block, in every kernel.
pub const THREADS: u32 = 256;

/// A device with its own memory that runs the kernels of [`SOURCE`](super::SOURCE) in sequence.
///
/// Work is queued and done in order; [`read`](Self::read) waits for it.
///
/// # Safety
///
/// Memory must stay valid at its [`address`](Self::address) until it is dropped and all work queued
/// before the drop is done.
#[allow(unsafe_code)]
pub unsafe trait GpuMachine {
    /// Memory of the device, released when dropped.
    type Memory;
    /// Recorded work, which can be queued as a whole.
    type Recording;

    /// Allocates `bytes` bytes of zeros, at an address that is a multiple of 256.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if the device does not have enough memory.
    fn zeros(&self, bytes: usize) -> Result<Self::Memory, KernelError>;

    /// The start address of the memory.
    fn address(&self, memory: &Self::Memory) -> u64;

    /// Writes bytes, starting at an offset. The bytes are copied before this returns.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if the memory is too small or the device fails.
    fn write(
        &self,
        memory: &mut Self::Memory,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), KernelError>;

    /// Reads bytes, starting at an offset, after all queued work is done.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if the memory is too small, the device fails or queued work has
    /// failed.
    fn read(&self, memory: &Self::Memory, offset: usize, out: &mut [u8])
    -> Result<(), KernelError>;

    /// Queues a kernel with its argument.
    ///
    /// # Safety
    ///
    /// The kernel must take a structure of this layout, and the addresses in it must be valid for
    /// the sizes in it until the kernel has run.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if the kernel is unknown or cannot be queued.
    #[allow(unsafe_code)]
    unsafe fn launch<A: Copy>(
        &self,
        kernel: &'static str,
        blocks: [u32; 2],
        argument: &A,
    ) -> Result<(), KernelError>;

    /// Queues a matrix product.
    ///
    /// # Safety
    ///
    /// The addresses must be valid for the sizes until the product has run.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if the product cannot be queued.
    #[allow(unsafe_code)]
    unsafe fn product(&self, product: &MatrixProduct) -> Result<(), KernelError>;

    /// Records the work that `work` queues instead of running it.
    ///
    /// # Errors
    ///
    /// The errors of `work`; [`KernelError::Device`] if the device cannot record.
    fn record(
        &self,
        work: impl FnOnce() -> Result<(), KernelError>,
    ) -> Result<Self::Recording, KernelError>;

    /// Queues recorded work.
    ///
    /// # Safety
    ///
    /// The requirements of all recorded calls must hold again.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if the device fails.
    #[allow(unsafe_code)]
    unsafe fn replay(&self, recording: &Self::Recording) -> Result<(), KernelError>;

    /// Number of processors that run blocks concurrently.
    fn processors(&self) -> u32;

    /// Identifier of the queue: work is ordered only between machines with the same identifier.
    fn queue(&self) -> u64;
}

/// Name and properties of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct GpuCard {
    /// Name, such as `NVIDIA H200`.
    pub name: String,
    /// Compute capability, such as (9, 0).
    pub capability: (i32, i32),
    /// Bytes of memory.
    pub memory: usize,
    /// The newest CUDA version that the driver supports, such as 13.0.
    pub driver: String,
    /// Number of processors that run blocks concurrently.
    pub processors: u32,
}

/// The product `c = op(a) op(b)` of row-major f32 matrices: `op(a)` (m, k), `op(b)` (k, n), `c`
/// (m, n).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixProduct {
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Columns of `op(a)` and rows of `op(b)`.
    pub k: usize,
    /// Address and row length of a.
    pub a: (u64, usize),
    /// Address and row length of b.
    pub b: (u64, usize),
    /// Address and row length of c.
    pub c: (u64, usize),
    /// Whether `op(a)` is the transpose of a.
    pub transpose_a: bool,
    /// Whether `op(b)` is the transpose of b.
    pub transpose_b: bool,
}
