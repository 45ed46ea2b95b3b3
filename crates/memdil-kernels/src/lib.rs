#![doc = include_str!("../README.md")]
//!
//! ## Main items
//!
//! [`Mlp`], [`Mlp::forward`], [`Mlp::backward`]
#![cfg_attr(docsrs, feature(doc_cfg))]

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

#[allow(unsafe_code)]
mod batch_norm;
#[allow(unsafe_code)]
mod convolution;
#[allow(unsafe_code)]
mod mlp;
#[allow(unsafe_code)]
mod pool;

#[cfg(feature = "candle")]
pub mod candle;
pub mod gpu;

pub use batch_norm::{
    ChannelMoments, Epilogue, NormGradient, moments, normalize, normalize_gradient,
};
pub use convolution::{Algorithm, Convolution, ConvolutionElement, Method};
pub use error::KernelError;
pub use mlp::{Activation, Architecture, Mlp, MlpElement, Norm, TensorInfo, TensorRole};
pub use optimizer::{Decay, Optimizer, Step};
pub use pool::{Pool, max_pool, max_pool_gradient};
pub use vector::{Element, Instructions};
