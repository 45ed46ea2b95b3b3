//! Networks in training: a common trait, and the engines that implement it.

pub(crate) mod build;
pub(crate) mod candle;
pub(crate) mod cpu;
pub(crate) mod gpu;
pub(crate) mod interface;
pub(crate) mod optimizer;
mod perceptron;
pub(crate) mod state;
