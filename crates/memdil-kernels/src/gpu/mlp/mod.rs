//! A multilayer perceptron on a device, and its training step.

mod epoch;
mod evaluate;
mod network;
mod queue;

pub use epoch::Progress;
pub use network::GpuMlp;
