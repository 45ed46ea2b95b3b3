//! The integration tests of memdil-theory, in one binary so that they are linked once.
#![allow(clippy::float_cmp, clippy::unwrap_used)]

mod common;
mod fit_and_phase;
mod full_problem;
mod golden;
mod jumps;
mod layer_peeled;
mod limits;
mod memorization_dilation;
