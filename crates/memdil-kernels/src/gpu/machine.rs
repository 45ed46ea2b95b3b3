//! The device that runs kernels: a CUDA device, or in tests an emulation of one.

use crate::error::KernelError;

/// Threads of a block, in every kernel.
pub const THREADS: u32 = 256;

/// A device with memory of its own that runs the kernels of [`SOURCE`](super::SOURCE) one after the
/// other.
///
/// Everything is queued and done in order; [`read`](Self::read) waits for it.
///
/// # Safety
///
/// [`address`](Self::address) is where the memory is, as long as it lives and until everything is
/// done that was queued before it was dropped.
#[allow(unsafe_code)]
pub unsafe trait GpuMachine {
    /// Memory of the device, released when dropped.
    type Memory;
    /// Work that was recorded, to be queued as a whole.
    type Recording;

    /// Memory of `bytes` bytes, all zero, at an address that is a multiple of 256.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] when the device has not enough.
    fn zeros(&self, bytes: usize) -> Result<Self::Memory, KernelError>;

    /// Where the memory begins.
    fn address(&self, memory: &Self::Memory) -> u64;

    /// Writes bytes from an offset on. They are taken before this returns.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] when the memory is smaller, or the device fails.
    fn write(
        &self,
        memory: &mut Self::Memory,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), KernelError>;

    /// Reads bytes from an offset on, after everything that was queued.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] when the memory is smaller, or the device fails, now or in what was
    /// queued.
    fn read(&self, memory: &Self::Memory, offset: usize, out: &mut [u8])
    -> Result<(), KernelError>;

    /// Queues a kernel with the structure that it takes.
    ///
    /// # Safety
    ///
    /// The kernel must take a structure of this layout, and its addresses must be valid for the
    /// sizes in it until it has run.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] when the kernel is unknown or cannot be queued.
    #[allow(unsafe_code)]
    unsafe fn launch<A: Copy>(
        &self,
        kernel: &'static str,
        blocks: [u32; 2],
        argument: &A,
    ) -> Result<(), KernelError>;

    /// Queues a product.
    ///
    /// # Safety
    ///
    /// Its addresses must be valid for its sizes until it has run.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] when it cannot be queued.
    #[allow(unsafe_code)]
    unsafe fn product(&self, product: &MatrixProduct) -> Result<(), KernelError>;

    /// Records what `work` queues instead of doing it.
    ///
    /// # Errors
    ///
    /// Those of `work`; [`KernelError::Device`] when the device cannot record.
    fn record(
        &self,
        work: impl FnOnce() -> Result<(), KernelError>,
    ) -> Result<Self::Recording, KernelError>;

    /// Queues what was recorded.
    ///
    /// # Safety
    ///
    /// As for everything that was recorded.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] when the device fails.
    #[allow(unsafe_code)]
    unsafe fn replay(&self, recording: &Self::Recording) -> Result<(), KernelError>;

    /// Processors that run blocks side by side.
    fn processors(&self) -> u32;

    /// What is queued here is in order with what is queued on every machine of the same number, and
    /// with no other.
    fn queue(&self) -> u64;
}

/// Name and properties of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct GpuCard {
    /// Name, `NVIDIA H200` say.
    pub name: String,
    /// Compute capability, (9, 0) say.
    pub capability: (i32, i32),
    /// Bytes of memory.
    pub memory: usize,
    /// The newest version of CUDA that the driver knows, 13.0 say.
    pub driver: String,
    /// Processors that run blocks side by side.
    pub processors: u32,
}

/// `c = op(a) op(b)` of f32 matrices that lie row by row, `op(a)` (m, k), `op(b)` (k, n), `c` (m,
/// n).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixProduct {
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Products that are added up.
    pub k: usize,
    /// Address of a, and the values from one of its rows to the next.
    pub a: (u64, usize),
    /// The same of b.
    pub b: (u64, usize),
    /// The same of c.
    pub c: (u64, usize),
    /// Whether `op(a)` is the transpose of a.
    pub transpose_a: bool,
    /// Whether `op(b)` is the transpose of b.
    pub transpose_b: bool,
}
