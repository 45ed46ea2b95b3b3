//! Features written by other programs: their metrics, and pictures of them.

mod features;
mod figure;
mod plane;
mod section;

pub use features::{MeasuredFeatures, Sample};
pub(crate) use section::section;
