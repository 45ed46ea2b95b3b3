//! The integration tests of memdil-metrics, in one binary so that they are linked once.
#![allow(clippy::float_cmp, clippy::unwrap_used)]

mod all_metrics;
mod common;
mod errors;
mod golden;
mod other_tools;
mod partial;
mod per_class;
mod properties;
mod samples;
