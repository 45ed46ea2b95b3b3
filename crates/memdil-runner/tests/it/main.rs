//! The integration tests of memdil-runner, in one binary so that they are linked once.
#![allow(clippy::float_cmp, clippy::unwrap_used)]

mod engines;
mod layer_peeled;
mod run;
