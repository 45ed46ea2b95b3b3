//! From a folder of finished runs to claims, figures and one HTML page. Reads records, trains
//! nothing.
//!
//! [`write_report`] is the whole of it: it reads every run below a folder, tests the paper's claims
//! ([`Claim`], [`Verdict`]), draws the figures and writes `index.html` (self-contained),
//! `report.md`, `claims.json`, and each figure as SVG and PNG in `figures/`. The tests themselves
//! are in [`stats`] and stand alone:
//!
//! ```
//! use memdil_report::stats::{mean_interval, wilcoxon_signed_rank};
//!
//! // Log ratios of dilation, label smoothing over cross-entropy, one a seed.
//! let log_ratios = [-0.51, -0.62, -0.44, -0.70, -0.48, -0.55];
//! assert_eq!(wilcoxon_signed_rank(&log_ratios), Some(0.03125));
//! assert!(mean_interval(&log_ratios).is_some_and(|[_, high]| high < 0.0));
//! ```
//!
//! A verdict needs six independent seeds, an interval on one side of zero, and p below 0.05 after
//! Holm's correction over all claims of the report; a claim that fails is reported as refuted.
//! [`MeasuredFeatures`] of networks that others trained may stand beside the runs, or alone. With
//! `theory` the page also shows the solved models, whose claims are decided point by point, and
//! lays their predictions over the runs.
//!
//! ```
//! use memdil_report::{ReportError, ReportOptions, write_report};
//!
//! let options = ReportOptions {
//!     runs: Some("no/such/folder".into()),
//!     features: Vec::new(),
//!     out: "report".into(),
//!     manifests: Vec::new(),
//!     reference: None,
//!     theory: true,
//!     command: Some("cargo xtask reproduce".to_owned()),
//! };
//! assert!(matches!(write_report(&options), Err(ReportError::NoFolder { .. })));
//! ```

mod chart;
mod claims;
mod content;
mod error;
mod experiments;
mod figures;
mod layer_peeled;
mod markdown;
mod measured;
mod page;
mod reference;
mod runs;
mod search;
mod section;
pub mod stats;
mod table;
mod tables;
mod terminal;
mod text;
mod theory;
mod write;

pub use claims::{Cell, Claim, Counted, LEVEL, SEEDS_NEEDED, Unit, Verdict};
pub use error::ReportError;
pub use measured::{MeasuredFeatures, Sample};
pub use theory::{PanelFit, PredictedRho, fit_runs};
pub use write::{Report, ReportOptions, write_report};
