//! Scores per sample: its place among the class means, and its loss and margin.

mod geometry;
mod logits;

pub use geometry::{MeanGeometry, SampleGeometry, sample_geometry};
pub use logits::{LogitScores, head_scores, logit_scores};

/// Smallest number of rows for a separate thread.
const MIN_ROWS: usize = 512;
