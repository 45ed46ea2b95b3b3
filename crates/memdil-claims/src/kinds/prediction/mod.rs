//! Out-of-sample predictions of models of relative dilation.

pub(crate) mod competitors;
pub(crate) mod model;
mod notes;
pub(crate) mod predictor;
mod test;

pub use test::PredictionTest;
