//! The integration tests of memdil-losses, in one binary so that they are linked once.
#![allow(clippy::unwrap_used)]

mod golden;
mod properties;
