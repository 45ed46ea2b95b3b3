//! What is left of the memorization-dilation model as weight decay vanishes.
//!
//! All three statements hold for $\lambda\to0$ at a fixed ratio $\lambda_W/\lambda_H$.
//! Cross-entropy keeps a constant relative dilation ([`CROSS_ENTROPY`]), label smoothing loses it
//! like $\lambda^{1/4}$ ([`label_smoothing`]), label relaxation keeps a smaller constant
//! ([`label_relaxation`]). The laws are this project's; the model is from Nguyen et al., ICLR 2023.
//! Derivations: the book chapter on theory.

mod hard_margin;
mod laws;

pub use hard_margin::{HardMargin, label_relaxation};
pub use laws::{CROSS_ENTROPY, Limits, label_smoothing, label_smoothing_classes, limits};
