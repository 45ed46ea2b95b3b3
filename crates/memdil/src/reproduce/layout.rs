//! Where a reproduction keeps its files.

use std::path::PathBuf;

use super::experiments::{ExperimentFile, Kind};

/// The output folder of a reproduction.
pub(super) struct Layout {
    pub(super) out: PathBuf,
}

impl Layout {
    pub(super) fn runs(&self) -> PathBuf {
        self.out.join("runs")
    }

    pub(super) fn report(&self) -> PathBuf {
        self.out.join("report")
    }

    /// The built-in experiment files, as the runs were made with them.
    pub(super) fn experiments(&self) -> PathBuf {
        self.out.join("experiments")
    }

    /// The manifest of an experiment's sweep.
    pub(super) fn manifest(&self, experiment: &ExperimentFile) -> PathBuf {
        self.out.join(format!("{}.jsonl", experiment.name))
    }

    /// The file that is there once an experiment was made; `None` for a part of the report.
    pub(super) fn result(&self, experiment: &ExperimentFile) -> Option<PathBuf> {
        match experiment.kind {
            Kind::Sweep => Some(self.manifest(experiment)),
            Kind::Search => Some(self.runs().join("search/retrained.jsonl")),
            Kind::LayerPeeled => Some(self.runs().join("layer-peeled.jsonl")),
            Kind::Report => None,
        }
    }
}
