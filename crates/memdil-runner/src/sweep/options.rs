//! The options of a sweep.

use std::path::PathBuf;

use crate::run::options::RunOptions;

/// The worker processes of a sweep.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Workers {
    /// The program that is started for each run, as
    /// `PROGRAM sweep run --manifest M --out O --index I --worker`.
    pub program: PathBuf,
    /// The number of parallel processes; zero is treated as one.
    pub jobs: usize,
    /// The options of each run.
    pub run: RunOptions,
}

impl Workers {
    /// Up to `jobs` parallel processes of a program.
    pub fn new(program: impl Into<PathBuf>, jobs: usize, run: RunOptions) -> Self {
        Self {
            program: program.into(),
            jobs,
            run,
        }
    }
}

/// The options of [`run_all`](crate::run_all).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SweepOptions {
    /// The worker processes.
    pub workers: Workers,
    /// The path of the manifest.
    pub manifest: PathBuf,
    /// The folder in which each run has its own folder.
    pub out: PathBuf,
}

impl SweepOptions {
    /// Options to run a manifest with its results in `out`.
    pub fn new(workers: Workers, manifest: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            workers,
            manifest: manifest.into(),
            out: out.into(),
        }
    }
}
