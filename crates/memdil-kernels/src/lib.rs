//! A fused training step for multilayer perceptrons, and the layers of convolutional networks.
//!
//! [`Mlp`] owns the parameters, the optimiser's buffers and the activations of a batch. A training
//! step has three parts:
//!
//! 1. [`Mlp::forward`] computes products, normalisation and activation, one panel of units at a
//!    time while the panel is in the cache.
//! 2. The caller computes the gradient of the loss with respect to the logits.
//! 3. [`Mlp::backward`] works on a few input units at a time. It computes the gradient of the
//!    inputs, then the gradient of their weights, which updates the weights and the optimiser's
//!    buffers from registers and is never stored, then the gradients through the activation and
//!    normalisation of the block below.
//!
//! A step therefore reads every weight twice and writes it once, and reads and writes each buffer
//! of the optimiser once. Sums are taken in the same order for any number of threads, so results
//! are identical bit for bit.
//!
//! Inner loops use raw pointers, because a block of rows of a matrix in panels is not a slice.
//!
//! ```
//! use memdil_kernels::{Activation, Architecture, Decay, Mlp, Norm, Optimizer, Step};
//!
//! let architecture = Architecture {
//!     inputs: 3, depth: 2, width: 8, features: 2, classes: 2,
//!     norm: Norm::Batch, activation: Activation::Relu, fixed_classifier: false,
//! };
//! let mut mlp = Mlp::<f32>::new(architecture, Optimizer::Sgd { momentum: 0.9, nesterov: false })?;
//! mlp.set("blocks.0.linear.weight", &[0.1; 24])?;
//! let step = Step {
//!     learning_rate: 0.1, decay: Decay::Coupled(5e-4), classifier_decay: Decay::Coupled(5e-4), feature_decay: 0.0,
//! };
//! let logits = mlp.forward(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0])?;
//! assert_eq!(logits.len(), 4);
//! // The gradient of half the squared logits is the logits.
//! mlp.backward(&logits, &step)?;
//! # Ok::<(), memdil_kernels::KernelError>(())
//! ```

mod error;
mod optimizer;

// The modules with unsafe code: vector intrinsics, and pointers into matrices whose blocks of rows
// are not slices.
#[allow(unsafe_code)]
mod tile;
#[allow(unsafe_code)]
mod update;
#[allow(unsafe_code)]
mod vector;

mod batch_norm;
#[allow(unsafe_code)]
mod convolution;
#[allow(unsafe_code)]
mod mlp;
mod pool;

#[cfg(feature = "candle")]
pub mod candle;
pub mod gpu;

pub use batch_norm::{
    ChannelMoments, Epilogue, NormGradient, moments, normalize, normalize_gradient,
};
pub use convolution::{Convolution, ConvolutionElement};
pub use error::KernelError;
pub use mlp::{Activation, Architecture, Mlp, MlpElement, Norm, TensorInfo, TensorRole};
pub use optimizer::{Decay, Optimizer, Step};
pub use pool::{Pool, max_pool, max_pool_gradient};
pub use vector::{Element, Instructions};
