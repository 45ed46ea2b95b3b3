//! The integration tests of memdil-models, in one binary so that they are linked once.
#![allow(clippy::float_cmp, clippy::unwrap_used)]

mod layers;
mod mlp;
mod tape;
mod unconstrained;
