//! Claims declared in an experiment file, tested on finished runs.
//!
//! | step | what |
//! | --- | --- |
//! | [`Declaration::read`] | `[[claim]]` tables become declarations |
//! | [`Family::of`] | declarations and planned runs become the tests of one experiment and data set |
//! | [`Family::planned`] | their seeds, and the smallest effect that each can find |
//! | [`Family::judge`] | finished runs become verdicts ([`Claim`]) |
//!
//! The unit of every statistical test is the seed: a test gives one value per seed and cell, values
//! are averaged over the cells of a panel, and Student's t test over seeds compares them with the
//! bound. Holm's correction covers the family: all tests of one experiment and data set, counted from the file and
//! not from the runs, with a missing p counted as 1. The statistics stand alone in [`stats`]:
//!
//! ```
//! use memdil_claims::stats::{mean_interval, t_test};
//!
//! // Log ratios of dilation, label smoothing over cross-entropy, one per seed.
//! let log_ratios = [-0.51, -0.62, -0.44, -0.70, -0.48, -0.55];
//! assert!(t_test(&log_ratios, 0.0).is_some_and(|p| p < 0.001));
//! assert!(mean_interval(&log_ratios).is_some_and(|[_, high]| high < 0.0));
//! ```

mod condition;
mod declaration;
mod design;
mod error;
mod family;
mod finished;
mod measure;
mod measured;
mod prediction;
mod quantity;
pub mod stats;
mod tested;
mod text;
mod units;
mod verdict;

pub use condition::Conditions;
pub use declaration::{Declaration, Expect, Rule, Scale, Start, Test};
pub use error::ClaimError;
pub use family::{Family, PlannedTest};
pub use finished::Finished;
pub use prediction::{PanelPredictions, PredictedRun};
pub use text::{count, number, p_value};
pub use verdict::{CellEffect, Claim, Counted, Outcome, Unit, Verdict};

/// Independent seeds that a verdict needs.
pub const SEEDS_NEEDED: usize = 6;

/// The level at which a corrected p decides.
pub const LEVEL: f64 = 0.05;

/// The power for which the smallest detectable effect is stated.
pub const POWER: f64 = 0.8;
