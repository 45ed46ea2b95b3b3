//! The record of a finished run.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::epoch::EpochRecord;
use crate::spec::run::RunSpec;

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All epochs were completed.
    Completed,
    /// The loss became NaN or infinite; the records end with the epoch before.
    Diverged,
}

/// The program and machine that produced a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of the program.
    pub version: String,
    /// Commit that the program was built from, with the suffix `-dirty` if there were
    /// uncommitted changes; `unknown` outside a checkout.
    pub commit: String,
    /// SHA-256 of the Cargo.lock that the program was built with; `unknown` outside a checkout.
    pub lockfile_sha256: String,
    /// Version of the compiler.
    pub rustc: String,
    /// Operating system and architecture.
    pub platform: String,
    /// Processor name that the system reports.
    pub cpu: String,
    /// Vector instruction sets detected at run time; results differ between processors with
    /// different sets.
    pub cpu_features: Vec<String>,
    /// Number of threads that tensor operations may use.
    pub threads: usize,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Start of the run, seconds since 1970 (UTC).
    pub started_unix: u64,
}

/// A finished run: its specification, its outcome, and its last epoch.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// The version of this format; readers refuse other versions.
    pub format: u32,
    /// Name of the run, unique to its specification.
    pub id: String,
    /// The specification.
    pub spec: RunSpec,
    /// The outcome.
    pub status: Status,
    /// The reason, if the run did not complete.
    pub reason: Option<String>,
    /// Requested noise level (`eta`).
    pub requested_noise: f64,
    /// Share of training labels that differ from the clean ones.
    pub realised_noise: f64,
    /// Numbers of training, validation and test samples.
    pub samples: [usize; 3],
    /// Number of trainable parameters of the network.
    pub parameters: usize,
    /// The last epoch; omitted if the first epoch diverged.
    pub last: Option<EpochRecord>,
    /// Wall-clock seconds of the whole run.
    pub seconds: f64,
    /// The program and machine.
    pub provenance: Provenance,
}

impl RunRecord {
    /// The format this crate writes and reads.
    pub const FORMAT: u32 = 1;
}
