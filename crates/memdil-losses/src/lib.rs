#![doc = include_str!("../README.md")]
//!
//! ## Main items
//!
//! [`Loss`], [`Loss::value`], [`Loss::value_and_gradient`], [`Loss::tensor`]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod loss;
mod reference;
#[cfg(feature = "candle")]
mod tensor;
mod transition;

pub use error::LossError;
pub use loss::Loss;
pub use transition::estimate_transition;
