//! The integration tests of memdil-report, in one binary so that they are linked once.
#![allow(clippy::float_cmp, clippy::unwrap_used)]

mod common;
mod figures;
mod report;
mod search;
mod theory;
