//! The options of a report.

use std::path::PathBuf;

use crate::experiment::ReportedExperiment;
use crate::measured::MeasuredFeatures;

/// The sources of a report and its folder.
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
    /// Folder of the report; made where it does not exist.
    pub out: PathBuf,
    /// Folder whose subfolders are runs; it may also hold `layer-peeled.jsonl` and the searches in
    /// `search/`. `None` for a report on `features` or the solved models alone.
    pub runs: Option<PathBuf>,
    /// Measured features that other programs wrote.
    pub features: Vec<MeasuredFeatures>,
    /// Manifests whose runs count; empty for all runs in the folder.
    pub manifests: Vec<PathBuf>,
    /// Experiment files: the claims that are tested, the figures that are drawn.
    pub experiments: Vec<ReportedExperiment>,
    /// TOML file of reference values to compare with ours.
    pub reference: Option<PathBuf>,
    /// Whether the solved models are shown too: seconds of computing.
    pub theory: bool,
    /// The command that makes runs and report again.
    pub command: Option<String>,
}

impl ReportOptions {
    /// A report in the folder `out`, without sources; the other fields are set one by one.
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
