//! Multilayer perceptrons in training.
//!
//! The modules, from bottom to top: sizes and names of tensors (`architecture`), their memory
//! (`network`), operations on a panel of units (`panel`), the distribution over threads (`threads`),
//! the passes through all layers (`forward`, `backward`), their compilation per element type
//! (`compiled`), and the public training steps (`training`).

mod architecture;
mod backward;
mod compiled;
mod forward;
mod network;
mod panel;
mod threads;
mod training;

pub(crate) use architecture::LayerPart;
pub use architecture::{Activation, Architecture, Norm, TensorInfo, TensorRole};
pub use compiled::MlpElement;
pub use network::Mlp;
