#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! | Module | Contents |
//! | --- | --- |
//! | [`layer_peeled`] | The layer-peeled model (classifier and features as free variables): closed form and numerical minimisation |
//! | [`memorization_dilation`] | The memorization-dilation model for two and $N$ classes |
//! | [`Jumps`], [`JumpDilation`] | Unseen features that are displaced with noisy samples, instead of a ball around the class feature |
//! | [`limits`] | Limits for vanishing weight decay: cross-entropy, label smoothing, label relaxation |
//! | [`phase`] | Comparison of label smoothing and cross-entropy over noise level and weight decay |
//! | [`fit`] | Estimation of $C_{MD}$ from trained networks, and prediction of the dilation |
//! | [`lbfgs`] | Bounded L-BFGS optimiser |

mod bootstrap;
mod error;
pub mod fit;
mod jumps;
pub mod layer_peeled;
pub mod limits;
mod margin;
mod measure;
pub mod memorization_dilation;
mod optimizers;
pub mod phase;
mod quadrature;

pub use error::TheoryError;
pub use jumps::{JumpDilation, Jumps};
pub use layer_peeled::{LpmSetting, LpmSolution};
pub use margin::{ConvexMargin, LossKind, MarginLoss};
pub use measure::FeatureMeasure;
pub use memorization_dilation::{MdOutcome, MdRecord, MdSetting, MdSolution};
pub use optimizers::lbfgs;
pub use quadrature::GaussRule;
