//! Training runs and sweeps for memorization-dilation experiments, on candle.
//!
//! The way through, top to bottom:
//!
//! 1. [`Experiment`] reads a TOML file and gives run specifications: one, or the product of its
//!    `[sweep]`.
//! 2. [`Prepared`] loads the images, injects the label noise and splits: after it nothing can be
//!    wrong with the input.
//! 3. [`train`] runs the epochs of a [`Network`] and leaves a finished run folder behind; stopped
//!    at any moment and called again, it goes on from a checkpoint to the same bytes.
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

mod checkpoint;
mod claim;
mod config;
mod corruption;
mod device;
mod error;
mod estimate;
mod evaluate;
mod evaluate_run;
mod layer_peeled;
mod metrics_file;
mod network;
mod optimizer;
mod prepare;
mod provenance;
mod random_classifier;
mod search;
mod selftest;
mod sweep;
mod train;
mod training;

pub use config::{Experiment, Plan};
pub use device::open_device;
pub use error::RunnerError;
pub use estimate::Calibration;
pub use evaluate_run::{Evaluated, evaluate_model, evaluate_run};
pub use layer_peeled::{run_layer_peeled, train_layer_peeled};
pub use network::{Build, CandleNetwork, FusedMlp, GpuNetwork, NamedTensor, Network};
pub use prepare::Prepared;
pub use provenance::provenance;
pub use search::{STARTUP_TRIALS, Search, SearchOptions, SearchPlan, run_searches};
pub use selftest::{Card, Check, SelfTest, Timing, selftest};
pub use sweep::{SweepOptions, SweepProgress, SweepStatus, end_with_parent, run_all, status};
pub use train::{Outcome, TrainEvent, TrainOptions, train, train_model};
