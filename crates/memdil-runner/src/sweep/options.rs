//! How a sweep starts its processes.

use std::path::PathBuf;

use crate::run::options::RunOptions;

/// The processes that make runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Workers {
    /// The program to start for each run: called as
    /// `PROGRAM sweep run --manifest M --out O --index I --worker`.
    pub program: PathBuf,
    /// Processes at a time, at least one.
    pub jobs: usize,
    /// The options of each run.
    pub run: RunOptions,
}

impl Workers {
    /// So many processes of a program at a time.
    pub fn new(program: impl Into<PathBuf>, jobs: usize, run: RunOptions) -> Self {
        Self {
            program: program.into(),
            jobs,
            run,
        }
    }
}

/// How to work through a manifest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SweepOptions {
    /// The processes that make the runs.
    pub workers: Workers,
    /// The manifest's file.
    pub manifest: PathBuf,
    /// Folder that gets one folder per run.
    pub out: PathBuf,
}

impl SweepOptions {
    /// The runs of a manifest into a folder.
    pub fn new(workers: Workers, manifest: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            workers,
            manifest: manifest.into(),
            out: out.into(),
        }
    }
}
