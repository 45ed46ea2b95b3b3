//! Self-test of a device: checks of its results and timings, for use before long runs.

pub(crate) mod device;
mod kernels;
pub(crate) mod report;
mod timings;
mod training;
