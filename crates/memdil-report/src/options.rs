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
/// let options = ReportOptions::new("report").runs(PathBuf::from("runs")).theory(true);
/// assert!(options.theory && options.manifests.is_empty());
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
    /// A report in the folder `out`, without sources.
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

    /// Sets the folder of runs.
    #[must_use]
    pub fn runs(mut self, runs: impl Into<Option<PathBuf>>) -> Self {
        self.runs = runs.into();
        self
    }

    /// Sets the measured features of other programs.
    #[must_use]
    pub fn features(mut self, features: Vec<MeasuredFeatures>) -> Self {
        self.features = features;
        self
    }

    /// Sets the manifests whose runs count.
    #[must_use]
    pub fn manifests(mut self, manifests: Vec<PathBuf>) -> Self {
        self.manifests = manifests;
        self
    }

    /// Sets the experiment files.
    #[must_use]
    pub fn experiments(mut self, experiments: Vec<ReportedExperiment>) -> Self {
        self.experiments = experiments;
        self
    }

    /// Sets the file of reference values.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<Option<PathBuf>>) -> Self {
        self.reference = reference.into();
        self
    }

    /// Shows the solved models or leaves them out.
    #[must_use]
    pub fn theory(mut self, theory: bool) -> Self {
        self.theory = theory;
        self
    }

    /// Sets the command that makes runs and report again.
    #[must_use]
    pub fn command(mut self, command: impl Into<Option<String>>) -> Self {
        self.command = command.into();
        self
    }
}
