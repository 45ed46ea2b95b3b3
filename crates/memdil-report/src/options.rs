//! The options of a report.

use std::path::PathBuf;

use crate::experiment::ReportedExperiment;
use crate::measured::MeasuredFeatures;

/// The inputs and the output folder of a report.
///
/// ```
/// use std::path::PathBuf;
///
/// use memdil_report::ReportOptions;
///
/// let mut options = ReportOptions::new("report");
/// options.runs = Some(PathBuf::from("runs"));
/// options.theory = true;
/// assert!(options.manifests.is_empty());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportOptions {
    /// Output folder; created if it does not exist.
    pub out: PathBuf,
    /// Folder whose subfolders are runs; it may also contain `layer-peeled.jsonl` and the searches
    /// in `search/`. `None` for a report on `features` or the solved models alone.
    pub runs: Option<PathBuf>,
    /// Measured features that other programs wrote.
    pub features: Vec<MeasuredFeatures>,
    /// Manifests that select the runs to report; empty for all runs in the folder.
    pub manifests: Vec<PathBuf>,
    /// Experiment files, which declare the claims to test and the figures to draw.
    pub experiments: Vec<ReportedExperiment>,
    /// TOML file of reference values to compare with the runs.
    pub reference: Option<PathBuf>,
    /// Whether to solve and show the models, which takes seconds.
    pub theory: bool,
    /// The command that reproduces the runs and the report.
    pub command: Option<String>,
}

impl ReportOptions {
    /// Options for a report in the folder `out` without inputs, which are set through the fields.
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            runs: None,
            features: Vec::new(),
            manifests: Vec::new(),
            experiments: Vec::new(),
            reference: None,
            theory: false,
            command: None,
        }
    }
}
