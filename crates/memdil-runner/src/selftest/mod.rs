//! Whether a device computes what it should, and how fast: what a machine has to show before long
//! runs.

pub(crate) mod device;
mod kernels;
pub(crate) mod report;
mod timings;
mod training;
