//! The results of a self-test.

use memdil_records::Provenance;
use serde::Serialize;

/// What [`selftest`](fn@crate::selftest) found.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SelfTest {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// What the GPU is; missing for the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// Program and machine.
    pub provenance: Provenance,
    /// Whether all checks passed.
    pub passed: bool,
    /// What was checked.
    pub checks: Vec<Check>,
    /// What was timed.
    pub timings: Vec<Timing>,
}

/// A GPU.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Card {
    /// Its name.
    pub name: String,
    /// Compute capability.
    pub capability: String,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The newest CUDA that its driver knows.
    pub driver: String,
    /// Processors that run blocks side by side.
    pub processors: u32,
    /// What its memory gives to the update of all parameters, in GB/s: the roof of a step.
    pub memory_gb_s: f64,
}

impl Card {
    pub(crate) fn of(card: &memdil_kernels::gpu::GpuCard) -> Self {
        Self {
            name: card.name.clone(),
            capability: format!("{}.{}", card.capability.0, card.capability.1),
            memory_gib: card.memory as f64 / f64::from(1 << 30),
            driver: card.driver.clone(),
            processors: card.processors,
            memory_gb_s: 0.0,
        }
    }
}

/// Something that was computed in two ways.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether the deviation is within the limit.
    pub passed: bool,
    /// The largest deviation, |found - expected| / (1 + |expected|); missing where it failed.
    pub deviation: Option<f64>,
    /// How large it may be.
    pub limit: f64,
    /// Why it could not be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How long something takes.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Timing {
    /// A training step of a multilayer perceptron, by its depth, width and batch.
    pub name: String,
    /// Mean milliseconds.
    pub milliseconds: f64,
    /// What the step has to move at least, in MB: every weight read twice and written once, its
    /// momentum read and written.
    pub least_mb: f64,
    /// Time over that of the least bytes at the speed of the memory; missing for the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_roof: Option<f64>,
}
