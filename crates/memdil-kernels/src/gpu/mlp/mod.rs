//! The network on a device, and its step.

mod epoch;
mod evaluate;
mod network;
mod queue;

pub use epoch::Progress;
pub use network::GpuMlp;
