//! Scores per sample: distance from and alignment with class means, loss and margin.

mod geometry;
mod logits;

pub use geometry::{MeanGeometry, SampleGeometry, sample_geometry};
pub use logits::{LogitScores, head_scores, logit_scores, loss_and_margin};

/// Smallest number of rows for a separate thread.
const MIN_ROWS: usize = 512;
