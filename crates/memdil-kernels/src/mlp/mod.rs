//! Multilayer perceptrons in training.
//!
//! From bottom to top: sizes and names of tensors (`architecture`) and their memory (`network`); a
//! panel of units (`panel`); the passes through all layers (`forward`, `backward`), compiled once
//! (`compiled`); the steps of a training (`training`).

mod architecture;
mod backward;
mod compiled;
mod forward;
mod network;
mod panel;
mod training;

pub(crate) use architecture::LayerPart;
pub use architecture::{Activation, Architecture, Norm, TensorInfo, TensorRole};
pub use compiled::MlpElement;
pub use network::Mlp;
