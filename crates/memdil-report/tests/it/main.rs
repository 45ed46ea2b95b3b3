//! The integration tests of memdil-report. A single binary saves linking time.
#![allow(clippy::float_cmp, clippy::unwrap_used)]

mod classes;
mod common;
mod figures;
mod report;
mod samples;
mod search;
mod theory;
