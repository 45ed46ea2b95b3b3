//! The two passes over the features, and the one over logits.
//!
//! [`FirstPass`] ends in [`Moments`], around which [`SecondPass`] measures; the metrics themselves
//! are defined in the modules named after them.

mod first;
mod moments;
mod predictions;
mod second;

pub use first::FirstPass;
pub use moments::Moments;
pub(crate) use predictions::argmax;
pub use predictions::{ECE_BINS, Predictions};
pub use second::{SecondPass, SecondPassTotals};
pub(crate) use second::{Wanted, WantedPart, in_memory};
