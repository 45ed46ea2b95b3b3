//! A finished run.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::epoch::EpochRecord;
use crate::spec::run::RunSpec;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All epochs ran.
    Completed,
    /// The loss became NaN or infinite; the records end before that epoch.
    Diverged,
}

/// Where and with what a run was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of the program.
    pub version: String,
    /// Commit it was built from, with `-dirty` after uncommitted changes; `unknown` outside a
    /// checkout.
    pub commit: String,
    /// SHA-256 of the Cargo.lock it was built with; `unknown` outside a checkout.
    pub lockfile_sha256: String,
    /// Compiler.
    pub rustc: String,
    /// Operating system and architecture.
    pub platform: String,
    /// Processor, as the system names it.
    pub cpu: String,
    /// Vector instructions found at run time: results differ between processors that differ in
    /// them.
    pub cpu_features: Vec<String>,
    /// Threads that tensor operations may use.
    pub threads: usize,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Start of the run, seconds since 1970 (UTC).
    pub started_unix: u64,
}

/// A finished run: its specification, how it ended, and its last epoch.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// Version of this format; readers refuse what they do not know.
    pub format: u32,
    /// Name of the run, unique to its specification.
    pub id: String,
    /// What was run.
    pub spec: RunSpec,
    /// How it ended.
    pub status: Status,
    /// Why, where it did not complete.
    pub reason: Option<String>,
    /// Noise that was asked for (`eta`).
    pub requested_noise: f64,
    /// Share of training labels that differ from the clean ones.
    pub realised_noise: f64,
    /// Samples trained on, held out, and tested on.
    pub samples: [usize; 3],
    /// Trainable parameters of the network.
    pub parameters: usize,
    /// The last epoch; left out when the first one diverged.
    pub last: Option<EpochRecord>,
    /// Wall-clock seconds of the whole run.
    pub seconds: f64,
    /// Where and with what.
    pub provenance: Provenance,
}

impl RunRecord {
    /// The format this crate writes and reads.
    pub const FORMAT: u32 = 1;
}
