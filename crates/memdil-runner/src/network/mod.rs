//! Networks in training: one trait between the loop of epochs and the engines that compute a step.

pub(crate) mod build;
pub(crate) mod candle;
pub(crate) mod cpu;
pub(crate) mod gpu;
pub(crate) mod interface;
pub(crate) mod optimizer;
mod perceptron;
pub(crate) mod state;
