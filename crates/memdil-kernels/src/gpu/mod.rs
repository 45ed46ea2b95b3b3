//! A training step of a multilayer perceptron on a GPU, and the kernels that it is made of.
//!
//! [`GpuMlp`] keeps parameters, optimiser, activations and the count of its steps in the device's
//! memory, [`Samples`] the data set as bytes. A step is queued, not waited for: batches are
//! gathered there from the epoch's order, the loss is added up there, and a loss that is no finite
//! number stops the training there.
//!
//! For at most 32 samples the products are our own kernels: a layer forward reads its weights once,
//! with normalisation and activation at the end; a layer backward reads them once more, together
//! with the optimiser's buffers, and writes both: the gradient of the weights is never stored. For
//! larger batches the products are cuBLAS's, and kernels between them do the rest.
//!
//! [`GpuFeatures`] has what the metrics of neural collapse need of features that are many.
//!
//! The kernels are CUDA C ([`SOURCE`]), compiled at run time for the card at hand. What runs them
//! is a [`Machine`]: `Cuda`, with the feature `cuda`, or in tests an emulation that runs the same
//! text on the processor.

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
mod loss;
mod machine;
#[allow(unsafe_code)]
mod mlp;
mod plan;
mod samples;

pub use collapse::GpuFeatures;
pub use compare::{Comparison, Deviation, Numbers, Reference, difference, larger};
pub use cuda::Cuda;
pub use loss::Loss;
pub use machine::{Card, Machine, Product, THREADS};
pub use mlp::{GpuMlp, Progress};
pub use samples::{Pixels, Samples, Stored};

/// The kernels, in CUDA C.
pub const SOURCE: &str = include_str!("kernels.cu");

/// Names of the kernels.
pub const KERNELS: [&str; 14] = [
    "gather",
    "forward_16",
    "forward_32",
    "backward_16",
    "backward_32",
    "normalize",
    "normalize_by_running",
    "normalize_backward",
    "update",
    "loss_step",
    "segment_sums",
    "center",
    "square_sums",
    "agreements",
];
