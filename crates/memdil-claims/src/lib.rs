//! Tests the claims declared in an experiment file on finished runs.
//!
//! | step | result |
//! | --- | --- |
//! | [`Declaration::read`] | the declarations of the `[[claim]]` tables |
//! | [`Family::of`] | the tests of one experiment and data set, from declarations and planned runs |
//! | [`Family::planned`] | the seeds of each test and the smallest effect that it detects |
//! | [`Family::judge`] | the verdicts ([`Claim`]) on finished runs |
//!
//! The unit of every statistical test is the seed. A test yields one value per seed and cell, the
//! values are averaged over the cells of a panel, and Student's t test over seeds compares them
//! with the bound. Holm's correction covers the family: all tests of one experiment and data set,
//! counted from the experiment file and not from the finished runs. A missing p counts as 1. The
//! statistics in [`stats`] can be used on their own:
//!
//! ```
//! use memdil_claims::stats::{mean_interval, t_test};
//!
//! // Log ratios of dilation, label smoothing over cross-entropy, one per seed.
//! let log_ratios = [-0.51, -0.62, -0.44, -0.70, -0.48, -0.55];
//! assert!(t_test(&log_ratios, 0.0).is_some_and(|p| p < 0.001));
//! assert!(mean_interval(&log_ratios).is_some_and(|[_, high]| high < 0.0));
//! ```

mod declaration;
mod declared;
mod error;
mod family;
mod kinds;
mod panels;
mod runs;
pub mod stats;
mod text;
mod verdict;

pub use declaration::conditions::Conditions;
pub use declaration::effect::{Expect, Scale};
pub use declared::Declaration;
pub use error::ClaimError;
pub use family::tests_of::{Family, PlannedTest};
pub use kinds::dose::Dose;
pub use kinds::exact::{Exact, ExactRule};
pub use kinds::interaction::Interaction;
pub use kinds::paired::{NonInferior, Paired};
pub use kinds::prediction::PredictionTest;
pub use kinds::prediction::model::{PanelPredictions, PredictedRun};
pub use kinds::test::Test;
pub use kinds::trend::{Start, Trend};
pub use kinds::within_run::WithinRun;
pub use runs::finished::Finished;
pub use text::{count, number, p_value};
pub use verdict::{CellEffect, Claim, Counted, Outcome, Unit, Verdict};

/// The number of independent seeds that a verdict needs.
pub const SEEDS_NEEDED: usize = 6;

/// The significance level for a corrected p.
pub const LEVEL: f64 = 0.05;

/// The power for which the smallest detectable effect is computed.
pub const POWER: f64 = 0.8;
