//! Training runs and sweeps for memorization-dilation experiments, on candle.
//!
//! The way through, top to bottom:
//!
//! 1. [`Experiment`] reads a TOML file and gives run specifications: one, or the product of its
//!    `[sweep]`.
//! 2. [`Prepared`] loads the images, injects the label noise and splits: after it nothing can be
//!    wrong with the input.
//! 3. [`train`] runs the epochs of a [`Network`] and leaves a finished run folder behind; stopped
//!    at any moment and called again, it resumes from a checkpoint and ends in the same bytes.
//! 4. [`run_all`] works through a manifest with worker processes, skipping what is complete.
//! 5. [`run_searches`] tries hyper-parameters: its trials and the retrained best are runs that
//!    [`run_all`] makes.
//!
//! [`selftest`] checks and times a device before long runs.
//!
//! [`evaluate_run`] measures the network that a run has left, finished or not. [`train_model`] and
//! [`evaluate_model`] do the same for a network of your own. [`run_layer_peeled`] trains free
//! features instead of a network, for the layer-peeled model.
//!
//! Numbers are the same, byte for byte, for the same specification, binary, processor features and
//! thread count.

// docs/src/architecture.md has the order of the modules, from the bottom to the top.
mod config;
mod device;
mod error;
mod layer_peeled;
mod network;
mod prepare;
mod run;
mod search;
mod selftest;
mod sweep;

pub use config::experiment::Experiment;
pub use config::runs::SweepPlan;
pub use device::open_device;
pub use error::RunnerError;
pub use layer_peeled::{run_layer_peeled, train_layer_peeled};
pub use network::build::{Build, build_network};
pub use network::candle::CandleNetwork;
pub use network::cpu::FusedMlp;
pub use network::gpu::GpuNetwork;
pub use network::interface::{ImageSet, Network, NetworkState, QueuedLoss};
pub use network::state::{NamedTensor, Tensors};
pub use prepare::Prepared;
pub use run::evaluate_run::{Evaluated, evaluate_model, evaluate_run};
pub use run::options::RunOptions;
pub use run::provenance::provenance;
pub use run::train::{Outcome, TrainEvent, train, train_model};
pub use search::plan::{Search, SearchPlan};
pub use search::rounds::{SearchOptions, run_searches};
pub use search::sampler::STARTUP_TRIALS;
pub use selftest::device::selftest;
pub use selftest::report::{Card, Check, SelfTest, Timing};
pub use sweep::estimate::Calibration;
pub use sweep::manifest::run_all;
pub use sweep::options::{SweepOptions, Workers};
pub use sweep::progress::SweepProgress;
pub use sweep::status::{SweepStatus, status};
pub use sweep::worker::end_with_parent;
