//! The statistics that claims need, exact for small samples.
//!
//! All functions expect finite numbers. A statistic that is not defined (too few values, no spread)
//! is `None`, never NaN.

mod holm;
mod interval;
mod paired;
mod rank;
mod student;

pub use holm::holm;
pub use interval::{mean, mean_interval, prediction_interval, standard_deviation};
pub use paired::{sign_test, wilcoxon_signed_rank};
pub use rank::{ranks, spearman};
pub use student::{detectable_effect, power, t_test};
