#![doc = include_str!("../README.md")]
//!
//! ## Main items
//!
//! [`write_report`], [`ReportedExperiment`], [`MeasuredFeatures`]

// docs/src/architecture.md lists the modules from the bottom layer to the top.
mod chart;
mod claims;
mod classes;
mod document;
mod error;
mod experiment;
mod figures;
mod layer_peeled;
mod loss;
mod measured;
mod options;
mod report;
mod runs;
mod scores;
mod sections;
mod sources;
mod text;
mod theory;
mod write;

pub use error::ReportError;
pub use experiment::{Page, ReportedExperiment};
pub use measured::{MeasuredFeatures, Sample};
pub use options::ReportOptions;
pub use report::Report;
pub use theory::{PanelFit, PredictedRho, fit_runs};
pub use write::write_report;
