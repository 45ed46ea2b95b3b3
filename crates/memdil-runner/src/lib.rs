//! Training runs and sweeps for memorization-dilation experiments, on candle.
//!
//! The way through, top to bottom:
//!
//! 1. [`Experiment`] reads a TOML file and gives run specifications: one, or the product of its `[sweep]`.
//! 2. [`Prepared`] loads the images, injects the label noise and splits: after it nothing can be wrong with the input.
//! 3. [`train`] runs the epochs of a [`Network`] and leaves a finished run folder behind.
//! 4. [`run_all`] works through a manifest with worker processes, skipping what is complete.
//!
//! [`run_layer_peeled`] trains free features instead of a network, for the layer-peeled model.
//!
//! Numbers are the same, byte for byte, for the same specification, binary, processor features and thread count.

mod config;
mod device;
mod error;
mod evaluate;
mod layer_peeled;
mod network;
mod optimizer;
mod prepare;
mod provenance;
mod sweep;
mod train;

pub use config::Experiment;
pub use device::open_device;
pub use error::RunnerError;
pub use layer_peeled::{run_layer_peeled, train_layer_peeled};
pub use network::{CandleMlp, FusedMlp, NamedTensor, Network};
pub use prepare::Prepared;
pub use provenance::provenance;
pub use sweep::{SweepOptions, SweepProgress, SweepStatus, end_with_parent, run_all, status};
pub use train::{Outcome, TrainOptions, train};
