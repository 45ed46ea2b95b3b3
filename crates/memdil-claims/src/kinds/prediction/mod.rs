//! The memorization-dilation model out of sample.

pub(crate) mod model;
pub(crate) mod notes;
mod test;

pub use test::PredictionTest;
