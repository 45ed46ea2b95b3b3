//! The two models of neural collapse under label noise (Nguyen et al., ICLR 2023), solved.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`layer_peeled`] | classifier and features as free variables: closed form and descent |
//! | [`memorization_dilation`] | noisy labels memorised at the price of dilation: two and $N$ classes |
//! | [`limits`] | what is left as weight decay vanishes, for three losses |
//! | [`phase`] | label smoothing against cross-entropy over noise and weight decay |
//! | [`fit`] | $C_{MD}$ from measured runs, and predictions from it |
//! | [`lbfgs`] | the optimiser for many variables |
//!
//! # A short tour
//!
//! Without noise, features collapse to one point a class; smoothing keeps them closer together:
//! ```
//! use memdil_theory::layer_peeled::{LpmSetting, closed_form};
//! let setting = LpmSetting::new(10, 1e-4, 1e-4);
//! let ce = closed_form(&setting)?;
//! let ls = closed_form(&setting.alpha(0.1))?;
//! assert!(ls.feature_sq_norm < ce.feature_sq_norm);
//! # Ok::<(), memdil_theory::TheoryError>(())
//! ```
//! With noise, both losses memorise wrong labels, and smoothing pays with far less dilation:
//! ```
//! use memdil_theory::{LossKind, MarginLoss, MdSetting};
//! use memdil_theory::{limits, memorization_dilation::solve};
//! let setting = MdSetting::new(1e-5, 1e-5).noise(0.1, 0.5);
//! let ce = solve(&setting, &MarginLoss::cross_entropy())?.rho().unwrap();
//! let ls = solve(&setting, &MarginLoss::new(LossKind::Ls, 0.1)?)?.rho().unwrap();
//! assert!(ls < 0.2 * ce);
//! // The limits say why: a constant against a power of the weight decay.
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
