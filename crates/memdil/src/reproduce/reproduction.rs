//! A reproduction: its arguments, its experiments, and where it keeps its files.

use std::path::PathBuf;

use super::arguments::Arguments;
use super::experiments::{ExperimentFile, Kind, Selection};
use crate::arguments::Settings;
use crate::{search, sweep};

pub(super) struct Reproduction<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) selection: Selection,
    /// The output folder, absolute.
    pub(super) out: PathBuf,
}

impl Reproduction<'_> {
    pub(super) fn runs(&self) -> PathBuf {
        self.out.join("runs")
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

    /// Whether the report gets the solved models.
    pub(super) fn has_theory(&self) -> bool {
        let mut experiments = self.selection.experiments.iter();
        experiments.any(|experiment| experiment.kind == Kind::Report)
    }

    pub(super) fn settings(&self, experiment: &ExperimentFile) -> Settings {
        Settings::of_preset(&experiment.path, &self.arguments.preset)
    }

    /// The arguments that plan an experiment's sweep.
    pub(super) fn plan(&self, experiment: &ExperimentFile) -> sweep::Plan {
        sweep::Plan {
            settings: self.settings(experiment),
            out: self.manifest(experiment),
            data: self.arguments.machine().data.clone(),
        }
    }

    /// The arguments that run an experiment's sweep.
    pub(super) fn sweep(&self, experiment: &ExperimentFile) -> sweep::Run {
        sweep::Run {
            manifest: self.manifest(experiment),
            out: self.runs(),
            index: Vec::new(),
            all: true,
            dry_run: false,
            processes: self.arguments.processes.clone(),
        }
    }

    /// The arguments that make an experiment's searches.
    pub(super) fn search(&self, experiment: &ExperimentFile) -> search::Arguments {
        search::Arguments {
            settings: self.settings(experiment),
            out: self.runs(),
            index: Vec::new(),
            plan: false,
            dry_run: false,
            processes: self.arguments.processes.clone(),
            json: false,
        }
    }
}
