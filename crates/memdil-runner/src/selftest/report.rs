//! The results of a self-test.

use memdil_records::Provenance;
use serde::Serialize;

/// The result of [`selftest`](fn@crate::selftest).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SelfTest {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// The properties of the GPU; omitted for the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// The program and machine.
    pub provenance: Provenance,
    /// Whether all checks passed.
    pub passed: bool,
    /// The checks.
    pub checks: Vec<Check>,
    /// The timings.
    pub timings: Vec<Timing>,
}

/// The properties of a GPU.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Card {
    /// Name of the GPU.
    pub name: String,
    /// Compute capability.
    pub capability: String,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The newest CUDA version that the driver supports.
    pub driver: String,
    /// Number of multiprocessors.
    pub processors: u32,
    /// Memory bandwidth in GB/s, measured on the update of all parameters. It limits the speed
    /// of a training step.
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

/// A comparison of two computations of the same values.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// Name of the check.
    pub name: String,
    /// Whether the deviation is within the limit.
    pub passed: bool,
    /// The largest deviation, |found - expected| / (1 + |expected|); `None` if it is not finite
    /// or could not be computed.
    pub deviation: Option<f64>,
    /// The largest allowed deviation.
    pub limit: f64,
    /// The error, if the deviation could not be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The time of a training step.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Timing {
    /// Depth, width and batch size of the multilayer perceptron.
    pub name: String,
    /// Mean time in milliseconds.
    pub milliseconds: f64,
    /// The least memory traffic of the step, in MB: every weight is read twice and written
    /// once, its momentum is read and written.
    pub least_mb: f64,
    /// The time, relative to that of the least memory traffic at the measured bandwidth;
    /// omitted for the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_roof: Option<f64>,
}
