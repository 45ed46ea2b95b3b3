//! From a folder of finished runs to claims, figures and one HTML page. Reads records, trains
//! nothing.
//!
//! [`write_report`] is the whole of it: it reads every run below a folder, tests the claims that
//! experiment files declare ([`ReportedExperiment`]; the tests are those of `memdil-claims`), draws the
//! figures and writes `index.html` (self-contained), `report.md`, `claims.json`, and each figure as SVG and
//! PNG in `figures/`. [`MeasuredFeatures`] of networks that others trained may stand beside the
//! runs, or alone. With `theory` the page also shows the solved models and lays their predictions
//! over the runs.
//!
//! ```
//! use memdil_report::{ReportError, ReportOptions, write_report};
//!
//! let options = ReportOptions {
//!     runs: Some("no/such/folder".into()),
//!     features: Vec::new(),
//!     out: "report".into(),
//!     manifests: Vec::new(),
//!     experiments: Vec::new(),
//!     reference: None,
//!     theory: true,
//!     command: Some("cargo xtask reproduce".to_owned()),
//! };
//! assert!(matches!(write_report(&options), Err(ReportError::NoFolder { .. })));
//! ```

mod block;
mod cards;
mod chart;
mod content;
mod error;
mod exact;
mod experiment;
mod figures;
mod layer_peeled;
mod loss;
mod measured;
mod page;
mod reference;
mod runs;
mod search;
mod sources;
mod tables;
mod terminal;
mod text;
mod theory;
mod verdicts;
mod write;

pub use error::ReportError;
pub use experiment::{Page, ReportedExperiment};
pub use measured::{MeasuredFeatures, Sample};
pub use theory::{PanelFit, PredictedRho, fit_runs};
pub use write::{Report, ReportOptions, write_report};
