//! Solvers for the two models of neural collapse under label noise of Nguyen et al., ICLR 2023.
//!
//! | Module | Contents |
//! | --- | --- |
//! | [`layer_peeled`] | The layer-peeled model (classifier and features as free variables): closed form and numerical minimisation |
//! | [`memorization_dilation`] | The memorization-dilation model for two and $N$ classes |
//! | [`limits`] | Limits of vanishing weight decay for three losses |
//! | [`phase`] | Comparison of label smoothing and cross-entropy over noise level and weight decay |
//! | [`fit`] | Estimation of $C_{MD}$ from trained networks, and predictions |
//! | [`lbfgs`] | Bounded L-BFGS optimiser |
//!
//! # A short tour
//!
//! Without noise, the features of each class collapse to one point. With label smoothing, these
//! points are closer together:
//! ```
//! use memdil_theory::layer_peeled::{LpmSetting, closed_form};
//! let setting = LpmSetting::new(10, 1e-4, 1e-4);
//! let ce = closed_form(&setting)?;
//! let ls = closed_form(&setting.alpha(0.1))?;
//! assert!(ls.feature_sq_norm < ce.feature_sq_norm);
//! # Ok::<(), memdil_theory::TheoryError>(())
//! ```
//! With noise, both losses memorise wrong labels, but label smoothing causes much less dilation:
//! ```
//! use memdil_theory::{LossKind, MarginLoss, MdSetting};
//! use memdil_theory::{limits, memorization_dilation::solve};
//! let setting = MdSetting::new(1e-5, 1e-5).noise(0.1, 0.5);
//! let ce = solve(&setting, &MarginLoss::cross_entropy())?.rho().unwrap();
//! let ls = solve(&setting, &MarginLoss::new(LossKind::Ls, 0.1)?)?.rho().unwrap();
//! assert!(ls < 0.2 * ce);
//! // The limits explain this: a constant for cross-entropy, a power law for label smoothing.
//! assert!((ce - limits::CROSS_ENTROPY).abs() < 0.01);
//! assert!((ls / limits::label_smoothing(&setting, 0.1)? - 1.0).abs() < 0.02);
//! # Ok::<(), memdil_theory::TheoryError>(())
//! ```

mod bootstrap;
mod error;
pub mod fit;
pub mod layer_peeled;
pub mod limits;
mod margin;
mod measure;
pub mod memorization_dilation;
mod optimizers;
pub mod phase;
mod quadrature;

pub use error::TheoryError;
pub use layer_peeled::{LpmSetting, LpmSolution};
pub use margin::{ConvexMargin, LossKind, MarginLoss};
pub use measure::FeatureMeasure;
pub use memorization_dilation::{MdOutcome, MdRecord, MdSetting, MdSolution};
pub use optimizers::lbfgs;
pub use quadrature::GaussRule;
