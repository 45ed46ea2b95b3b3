//! The training losses of the memorization-dilation experiments.
//!
//! The variants of [`Loss`] are the supported losses. Each has an exact `f64` reference
//! ([`Loss::value`], [`Loss::value_and_gradient`]) and, with the feature `candle` (on by default),
//! a differentiable tensor version ([`Loss::tensor`]); property tests compare the two.
//!
//! ```
//! use memdil_losses::Loss;
//! use ndarray::array;
//!
//! let logits = array![[2.0, 0.0], [0.0, 1.0]];
//! let smoothing = Loss::LabelSmoothing { alpha: 0.1 };
//! let (value, gradient) = smoothing.value_and_gradient(logits.view(), &[0, 1])?;
//! assert!(value > Loss::CrossEntropy {}.value(logits.view(), &[0, 1])?);
//! assert_eq!(gradient.dim(), (2, 2));
//! # Ok::<(), memdil_losses::LossError>(())
//! ```

mod error;
mod loss;
mod reference;
#[cfg(feature = "candle")]
mod tensor;
mod transition;

pub use error::LossError;
pub use loss::Loss;
pub use transition::estimate_transition;
