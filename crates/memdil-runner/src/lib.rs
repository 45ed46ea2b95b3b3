//! Training runs, sweeps and searches for memorization-dilation experiments.
//!
//! The main entry points, from a configuration file to a finished search:
//!
//! 1. [`Experiment`] reads a TOML file and returns run specifications: a single one, or the product
//!    of its `[sweep]`.
//! 2. [`Prepared`] loads the images, injects the label noise and splits off the validation set. It
//!    finds all errors in the input before anything is written.
//! 3. [`train`] trains a [`Network`] and writes the folder of the run. An interrupted run resumes
//!    from a checkpoint when [`train`] is called again, and the results are the same bytes as
//!    without the interruption.
//! 4. [`run_all`] runs a manifest with worker processes and skips finished runs.
//! 5. [`run_searches`] searches hyper-parameters: it uses [`run_all`] for the trials and for
//!    retraining with the best values.
//!
//! [`selftest`] checks and times a device before long runs. [`evaluate_run`] measures the network
//! of a run again, finished or not. [`train_model`] and [`evaluate_model`] are the same as
//! [`train`] and [`evaluate_run`] for user-defined networks. [`run_layer_peeled`] trains
//! unconstrained features instead of a network, for the layer-peeled model.
//!
//! Results are identical, byte for byte, for the same specification, binary, processor features and
//! thread count.

// The layers of the modules are listed in docs/src/architecture.md.
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
