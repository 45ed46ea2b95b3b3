//! Turns a folder of finished runs into claims, figures and a single HTML page. This crate reads
//! records and never trains a network.
//!
//! [`write_report`] is the entry point: it reads every run below a folder, tests the claims that
//! experiment files declare ([`ReportedExperiment`]; `memdil-claims` implements the tests), draws
//! the figures that they name and writes `index.html` (self-contained), `report.md`, `claims.json`,
//! and each figure as SVG and PNG in `figures/`. [`MeasuredFeatures`] of networks that other
//! programs trained can be added, or reported alone. The option `theory` adds the solved models.
//!
//! ```
//! use std::path::PathBuf;
//!
//! use memdil_report::{ReportError, ReportOptions, write_report};
//!
//! let mut options = ReportOptions::new("report");
//! options.runs = Some(PathBuf::from("no/such/folder"));
//! options.command = Some("cargo xtask reproduce".to_owned());
//! assert!(matches!(write_report(&options), Err(ReportError::NoFolder { .. })));
//! ```

// docs/src/architecture.md lists the modules from the bottom layer to the top.
mod chart;
mod claims;
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
