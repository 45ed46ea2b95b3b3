//! The few statistics that claims need, exact where samples are small.
//!
//! Everything here takes finite numbers; a statistic that is not defined (too few values, no
//! spread) is `None`, never NaN.

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
