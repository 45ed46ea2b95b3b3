//! A training step of a multilayer perceptron on a GPU, and its kernels.
//!
//! [`GpuMlp`] keeps parameters, optimiser buffers, activations and the step count in the device's
//! memory; [`Samples`] keeps the data set there as bytes. Steps are queued without waiting: the
//! device gathers the batches in the order of the epoch, adds up the loss, and stops the training
//! if the loss is not finite.
//!
//! Batches of at most 32 samples use fused kernels. The forward kernel of a layer reads its weights
//! once, then normalises and activates. The backward kernel reads the weights once more together
//! with the optimiser's buffers, and writes both; the gradient of the weights is never stored.
//! Larger batches use cuBLAS for the products, and separate kernels for the other operations.
//!
//! [`GpuFeatures`] computes the expensive part of the neural collapse metrics.
//!
//! The kernels are CUDA C ([`SOURCE`]), compiled at run time for the installed card. They run on a
//! [`GpuMachine`]: `Cuda` with the feature `cuda`, or in tests an emulation that runs the same
//! source on the CPU.

#[allow(unsafe_code)]
mod arguments;
#[allow(unsafe_code)]
mod collapse;
mod compare;
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
mod cuda;
#[cfg(not(feature = "cuda"))]
#[allow(unsafe_code)]
#[path = "without.rs"]
mod cuda;
mod layout;
mod loss;
mod machine;
mod memory;
#[allow(unsafe_code)]
mod mlp;
mod samples;
mod source;

pub use collapse::GpuFeatures;
pub use compare::{Deviation, Numbers, ReferenceLoss, StepComparison, difference, larger};
pub use cuda::Cuda;
pub use loss::DeviceLoss;
pub use machine::{GpuCard, GpuMachine, MatrixProduct, THREADS};
pub use mlp::{GpuMlp, Progress};
pub use samples::{Samples, StoredPixels, StoredSamples};
pub use source::{KERNELS, SOURCE};
