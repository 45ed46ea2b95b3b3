//! A training step of a multilayer perceptron on a GPU, and the kernels that it is made of.
//!
//! [`GpuMlp`] keeps parameters, optimiser, activations and the count of its steps in the device's
//! memory, [`Samples`] the data set as bytes. A step is queued, not waited for: batches are
//! gathered there from the epoch's order, the loss is added up there, and a loss that is not a finite
//! number stops the training there.
//!
//! For at most 32 samples the products are our own kernels: a layer forward reads its weights once,
//! with normalisation and activation at the end; a layer backward reads them once more, together
//! with the optimiser's buffers, and writes both: the gradient of the weights is never stored. For
//! larger batches the products are cuBLAS's, and kernels between them do the rest.
//!
//! [`GpuFeatures`] computes the costly part of the metrics of neural collapse.
//!
//! The kernels are CUDA C ([`SOURCE`]), compiled at run time for the installed card. They run
//! on a [`GpuMachine`]: `Cuda`, with the feature `cuda`, or in tests an emulation that runs the same
//! text on the processor.

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
