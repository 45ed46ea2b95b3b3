//! The two passes over the features, and the pass over logits.
//!
//! [`FirstPass`] yields [`Moments`], whose class means [`SecondPass`] requires. The metrics
//! themselves are defined in modules of the same name.

mod first;
mod moments;
mod nearest;
mod predictions;
mod second;

pub use first::FirstPass;
pub use moments::Moments;
pub(crate) use predictions::argmax;
pub use predictions::{ECE_BINS, Predictions};
pub use second::{SecondPass, SecondPassTotals};
pub(crate) use second::{Wanted, WantedPart, in_memory};
