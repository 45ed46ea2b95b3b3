#![doc = include_str!("../README.md")]
//!
//! ## Steps
//!
//! | step | result |
//! | --- | --- |
//! | [`Declaration::read`] | the declarations of the `[[claim]]` tables |
//! | [`Family::of`] | the tests of one experiment and data set, from declarations and planned runs |
//! | [`Family::planned`] | the seeds of each test and the smallest effect that it detects |
//! | [`Family::judge`] | the verdicts ([`Claim`]) on finished runs |

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
pub use kinds::prediction::competitors::{Competitor, PanelPredictions};
pub use kinds::prediction::model::PredictedRun;
pub use kinds::prediction::predictor::Predictor;
pub use kinds::slope::{ModelSlope, PanelSlopes, SlopeDifference, SolvedRun};
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
