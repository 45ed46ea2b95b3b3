//! `--engine slurm` and `--engine hq`: the same runs as tasks of job arrays, under the scheduler of
//! a cluster.
//!
//! `run` packs the runs that are not done into tasks, writes the scripts (`scripts`), submits them
//! through `slurm` or `hyperqueue`, and repeats this for runs that are still missing. The last job
//! is `memdil reproduce --report-only`.

mod hyperqueue;
mod options;
mod place;
mod process;
mod run;
mod scripts;
mod slurm;
mod tasks;

pub(super) use options::Cluster;
pub(super) use run::run;
