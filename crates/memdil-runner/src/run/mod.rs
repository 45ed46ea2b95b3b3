//! Runs: training, checkpoints, evaluation, and the lease on a run's folder.

mod checkpoint;
pub(crate) mod evaluate_run;
mod evaluation;
pub(crate) mod folder;
pub(crate) mod lease;
pub(crate) mod lock;
mod metrics_file;
pub(crate) mod options;
pub(crate) mod provenance;
pub(crate) mod scores;
mod start;
pub(crate) mod train;
pub(crate) mod training;
