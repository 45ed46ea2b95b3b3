//! The integration tests of memdil, in one binary so that they are linked once.
#![allow(clippy::unwrap_used)]

mod common;
mod damaged;
mod data;
mod declared;
mod layers;
mod metrics;
mod metrics_errors;
mod metrics_samples;
mod noise;
mod outputs;
mod partial;
mod report;
#[cfg(unix)]
mod reproduce;
#[cfg(unix)]
mod resume;
mod samples;
#[cfg(unix)]
mod search;
mod selftest;
mod sweep;
mod theory;
mod train;
