//! A reproduction: its arguments, its experiments and its output paths.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::PathBuf;

use memdil_records::{RecordError, write_atomic};

use super::arguments::Arguments;
use super::experiments::{ExperimentFile, Kind, Selection, write_built_in};
use crate::arguments::{Processes, Settings};
use crate::failure::{BadInput, Failure};
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

    /// The file that exists once an experiment was run, by this call or an earlier one.
    pub(super) fn result(&self, experiment: &ExperimentFile) -> PathBuf {
        match experiment.kind {
            Kind::Sweep => self.manifest(experiment),
            Kind::Search => self.runs().join("search/retrained.jsonl"),
            Kind::LayerPeeled => self.runs().join("layer-peeled.jsonl"),
            Kind::Report => self.out.join(format!("{}.reported", experiment.name)),
        }
    }

    /// Refuses an output folder of another preset: one report would mix the runs of both.
    pub(super) fn check_preset(&self) -> Result<(), BadInput> {
        let (out, preset) = (self.out.display(), &self.arguments.preset);
        match fs::read_to_string(self.preset_file()) {
            Ok(earlier) if earlier.trim() != preset => Err(BadInput(format!(
                "--out {out}: contains the runs of preset '{}'; choose another folder for preset '{preset}'",
                earlier.trim()
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn write_preset(&self) -> Result<(), RecordError> {
        let preset = &self.arguments.preset;
        write_atomic(&self.preset_file(), |file| writeln!(file, "{preset}"))
    }

    fn preset_file(&self) -> PathBuf {
        self.out.join("preset.txt")
    }

    /// Locks the output folder: two processes that make the same searches and report would disturb
    /// each other. The lock ends with the returned file. `None` on a file system without locks.
    pub(super) fn lock(&self) -> Result<Option<File>, Failure> {
        let path = self.out.join(".lock");
        let file = File::create(&path)
            .map_err(|error| BadInput(format!("cannot write {}: {error}", path.display())))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(Failure::inside(format!(
                "--out {}: another process is reproducing into this folder; wait for it or choose another folder",
                self.out.display()
            ))),
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }

    /// Writes the built-in experiment files, unless `--experiments` names a folder of others.
    pub(super) fn write_experiments(&self) -> Result<(), RecordError> {
        match self.arguments.experiments {
            Some(_) => Ok(()),
            None => write_built_in(&self.out),
        }
    }

    /// The worker processes on this machine.
    pub(super) fn processes(&self) -> Processes {
        let mut processes = self.arguments.processes.clone();
        // The flag concerns this process alone, not the workers that it starts.
        processes.worker = false;
        processes
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

    /// The arguments that run an experiment's sweep in `processes`.
    pub(super) fn sweep(&self, experiment: &ExperimentFile, processes: Processes) -> sweep::Run {
        sweep::Run {
            manifest: self.manifest(experiment),
            out: self.runs(),
            index: Vec::new(),
            all: true,
            dry_run: false,
            processes,
        }
    }

    /// The arguments that run an experiment's searches in `processes`.
    pub(super) fn search(
        &self,
        experiment: &ExperimentFile,
        processes: Processes,
    ) -> search::Arguments {
        search::Arguments {
            settings: self.settings(experiment),
            out: self.runs(),
            index: Vec::new(),
            plan: false,
            dry_run: false,
            processes,
            json: false,
        }
    }
}
