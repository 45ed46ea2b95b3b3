#![doc = include_str!("../README.md")]
//!
//! ## Main items
//!
//! [`Experiment`], [`Prepared`], [`train`], [`Network`], [`run_all`], [`run_searches`],
//! [`selftest`], [`evaluate_run`], [`train_model`], [`evaluate_model`], [`run_layer_peeled`]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The layers of the modules are listed in docs/src/architecture.md.
mod config;
mod device;
mod error;
mod layer_peeled;
mod memory;
mod network;
mod prepare;
mod run;
mod search;
mod selftest;
mod sweep;

pub use config::experiment::Experiment;
pub use config::runs::SweepPlan;
pub use device::{check_device, open_device};
pub use error::RunnerError;
pub use layer_peeled::{run_layer_peeled, train_layer_peeled};
pub use memory::keep_freed_memory;
pub use network::build::{Build, build_network};
pub use network::candle::CandleNetwork;
pub use network::cpu::FusedMlp;
pub use network::gpu::GpuNetwork;
pub use network::interface::{
    ImageSet, LayerOutput, Network, NetworkState, QueuedLoss, StepOutput,
};
pub use network::state::{NamedTensor, Tensors};
pub use prepare::Prepared;
pub use run::evaluate_run::{Evaluated, evaluate_model, evaluate_run};
pub use run::options::RunOptions;
pub use run::provenance::provenance;
pub use run::scores::TrainingScores;
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
