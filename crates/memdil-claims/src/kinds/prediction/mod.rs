//! Out-of-sample predictions of the memorization-dilation model.

pub(crate) mod model;
mod notes;
mod test;

pub use test::PredictionTest;
