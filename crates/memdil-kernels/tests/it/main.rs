//! The integration tests of memdil-kernels, in one binary so that they are linked once.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "candle")]
mod candle;
mod common;
mod convolution;
#[allow(unsafe_code)]
mod gpu;
mod parity;
mod properties;
mod winograd;
