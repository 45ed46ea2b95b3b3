//! Limits of the memorization-dilation model for vanishing weight decay.
//!
//! All limits are for $\lambda\to0$ at a fixed ratio $\lambda_W/\lambda_H$. The relative dilation
//! of cross-entropy converges to a constant ([`CROSS_ENTROPY`]), that of label smoothing vanishes
//! like $\lambda^{1/4}$ ([`label_smoothing`]), and that of label relaxation converges to a smaller
//! constant ([`label_relaxation`]). If unseen features jump, $\rho$ vanishes like $\lambda^{1/6}$,
//! up to logarithms under cross-entropy ([`jumps()`]). These laws were derived in this project (see the chapter on
//! theory in the book); the model is from Nguyen et al., ICLR 2023.

mod hard_margin;
mod jumps;
mod laws;

pub use hard_margin::{HardMargin, label_relaxation};
pub use jumps::{JumpLaw, jumps};
pub use laws::{CROSS_ENTROPY, Limits, label_smoothing, label_smoothing_classes, limits};
