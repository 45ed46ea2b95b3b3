//! Linear algebra for the metrics.

mod jacobi;
mod lq;
mod orthogonal;
mod vectors;

pub(crate) use orthogonal::{MAX_SWEEPS, orthogonal_rows};
pub(crate) use vectors::{dot, dot_difference, max_abs, norm, rows_of, scaled_to_one};
