//! Multilayer perceptrons in training.
//!
//! From bottom to top: sizes and names (`architecture`), memory (`network`), a panel of units
//! (`panel`, `normalization` and its gradient), layers (`products`, `layer_norm`, `block_gradient`,
//! `layer_gradient`), passes (`forward`, `backward`) and what users call (`training`).

mod architecture;
mod backward;
mod block_gradient;
mod compiled;
mod finish_gradient;
mod forward;
mod layer_gradient;
mod layer_norm;
mod layer_norm_gradient;
mod network;
mod normalization;
mod normalization_gradient;
mod panel;
mod products;
mod training;

pub(crate) use architecture::LayerPart;
pub use architecture::{Activation, Architecture, Norm, TensorInfo, TensorRole};
pub use compiled::MlpElement;
pub use network::Mlp;
