//! Features of networks that other programs trained: their metrics and pictures.

mod features;
mod figure;
mod plane;
mod section;

pub use features::{MeasuredFeatures, Sample};
pub(crate) use section::section;
