//! The folder of a run.

use std::io::Write;
use std::path::{Path, PathBuf};

use memdil_data::NoisyLabels;

use super::files::{
    exists, open, read_text, remove, remove_temporary, write_archive, write_atomic, write_json,
};
use crate::error::RecordError;
use crate::record::epoch::EpochRecord;
use crate::record::run::{Provenance, RunRecord};
use crate::record::samples::SampleScores;
use crate::record::snapshot::Snapshot;
use crate::record::tensorboard::event_file;
use crate::spec::run::RunSpec;

/// The folder of a run. The names of its files are defined only here.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The folder of a run at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The metrics of an unfinished run; renamed to `metrics.jsonl` when the run ends.
    pub fn metrics_in_progress(&self) -> PathBuf {
        self.path.join("metrics.jsonl.partial")
    }

    /// The metrics of a finished run, one [`EpochRecord`] per line.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// The metrics in TensorBoard's format, written on request.
    pub fn events(&self) -> PathBuf {
        self.path.join("events.out.tfevents.memdil")
    }

    /// Writes [`events`](Self::events) from the current metrics. `started_unix` is the start of the
    /// run.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the metrics are damaged, or the file cannot be written.
    pub fn write_events(&self, started_unix: u64) -> Result<(), RecordError> {
        let mut metrics = self.metrics();
        if !exists(&metrics)? {
            metrics = self.metrics_in_progress();
        }
        let records = read_epochs(&metrics)?;
        write_atomic(&self.events(), |file| {
            file.write_all(&event_file(&records, started_unix))
        })
    }

    /// Parameters and running statistics after the last epoch.
    pub fn model(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// The last two checkpoints of an unfinished run, written alternately and removed when the run
    /// ends.
    pub fn checkpoints(&self) -> [PathBuf; 2] {
        ["checkpoint-0.safetensors", "checkpoint-1.safetensors"].map(|name| self.path.join(name))
    }

    /// Clean and observed labels of the training set.
    pub fn noise(&self) -> PathBuf {
        self.path.join("noise.npz")
    }

    /// The lock file, locked while a process works on the run.
    pub fn lock(&self) -> PathBuf {
        self.path.join(".lock")
    }

    /// The standard error of the worker process that a sweep started for the run.
    pub fn log(&self) -> PathBuf {
        self.path.join("worker.log")
    }

    /// The record of a finished run; `None` if the run is not finished.
    ///
    /// # Errors
    ///
    /// [`RecordError::Malformed`] if the file is damaged or of an unsupported format.
    pub fn record(&self) -> Result<Option<RunRecord>, RecordError> {
        let path = self.path.join("summary.json");
        if !exists(&path)? {
            return Ok(None);
        }
        let mut record: RunRecord =
            serde_json::from_reader(open(&path)?).map_err(|e| damaged(&path, &e))?;
        let (found, known) = (record.format, RunRecord::FORMAT);
        if found != known {
            let reason = format!("format {found} is not supported, only {known}; {AGAIN}");
            return Err(RecordError::malformed(&path, None, reason));
        }
        // An earlier version omits the settings that it did not have; the run is still the same.
        record.spec.resolve();
        Ok(Some(record))
    }

    /// The specification with which a run was started; `None` if it was not started.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`] or [`RecordError::Malformed`].
    pub fn begun_with(&self) -> Result<Option<RunSpec>, RecordError> {
        let path = self.path.join("config.toml");
        if !exists(&path)? {
            return Ok(None);
        }
        let text = read_text(&path)?;
        let mut spec: RunSpec = toml::from_str(&text).map_err(|e| damaged(&path, &e.message()))?;
        spec.resolve();
        Ok(Some(spec))
    }

    /// The records of all epochs of a finished run.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`], or [`RecordError::Malformed`] that names the line.
    pub fn epochs(&self) -> Result<Vec<EpochRecord>, RecordError> {
        read_epochs(&self.metrics())
    }

    /// The features after the last epoch; `None` if they were not kept.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`] or [`RecordError::Malformed`].
    pub fn snapshot(&self) -> Result<Option<Snapshot>, RecordError> {
        let path = self.path.join("features.npz");
        if !exists(&path)? {
            return Ok(None);
        }
        Snapshot::read_npz(open(&path)?)
            .map(Some)
            .map_err(|e| damaged(&path, &e))
    }

    /// The scores of the training samples; `None` if they were not kept.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`] or [`RecordError::Malformed`].
    pub fn samples(&self) -> Result<Option<SampleScores>, RecordError> {
        let path = self.samples_path();
        if !exists(&path)? {
            return Ok(None);
        }
        let scores = SampleScores::read_npz(open(&path)?).map_err(|e| damaged(&path, &e))?;
        scores.check().map_err(|reason| damaged(&path, &reason))?;
        Ok(Some(scores))
    }

    fn samples_path(&self) -> PathBuf {
        self.path.join("samples.npz")
    }

    /// Writes `config.toml` and `provenance.json`.
    ///
    /// # Errors
    ///
    /// [`RecordError::Write`].
    pub fn write_start(&self, spec: &RunSpec, provenance: &Provenance) -> Result<(), RecordError> {
        let config = toml::to_string(spec).map_err(std::io::Error::other);
        write_atomic(&self.path.join("config.toml"), |w| {
            w.write_all(config?.as_bytes())
        })?;
        write_json(&self.path.join("provenance.json"), provenance)
    }

    /// Writes `noise.npz`.
    ///
    /// # Errors
    ///
    /// [`RecordError::Write`].
    pub fn write_noise(&self, labels: &NoisyLabels) -> Result<(), RecordError> {
        write_archive(&self.noise(), |w| labels.write_npz(w))
    }

    /// Writes `features.npz`.
    ///
    /// # Errors
    ///
    /// [`RecordError::Write`].
    pub fn write_snapshot(&self, snapshot: &Snapshot) -> Result<(), RecordError> {
        write_archive(&self.path.join("features.npz"), |w| snapshot.write_npz(w))
    }

    /// Writes `samples.npz`.
    ///
    /// # Errors
    ///
    /// [`RecordError::Write`].
    pub fn write_samples(&self, scores: &SampleScores) -> Result<(), RecordError> {
        write_archive(&self.samples_path(), |w| scores.write_npz(w))
    }

    /// Writes `summary.json`, which marks the run as finished.
    ///
    /// # Errors
    ///
    /// [`RecordError::Write`].
    pub fn write_record(&self, record: &RunRecord) -> Result<(), RecordError> {
        write_json(&self.path.join("summary.json"), record)
    }

    /// Removes the checkpoints, if they exist.
    ///
    /// # Errors
    ///
    /// [`RecordError::Write`].
    pub fn remove_checkpoints(&self) -> Result<(), RecordError> {
        self.checkpoints().iter().try_for_each(|path| remove(path))
    }

    /// Removes the temporary files of killed processes. The caller must hold the lock.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`] or [`RecordError::Write`].
    pub fn remove_temporary(&self) -> Result<(), RecordError> {
        remove_temporary(&self.path, |_| true)
    }
}

/// The remedy for a damaged file of a run.
const AGAIN: &str = "remove this folder and run it again";

/// The remedy for a truncated file of a run.
pub(crate) const COPY_AGAIN: &str = "copy this folder again, or remove it and run it again";

fn damaged(path: &Path, reason: &dyn std::fmt::Display) -> RecordError {
    RecordError::malformed(path, None, format!("damaged ({reason}); {AGAIN}"))
}

fn read_epochs(path: &Path) -> Result<Vec<EpochRecord>, RecordError> {
    let mut epochs = Vec::new();
    for (index, line) in read_text(path)?.lines().enumerate() {
        let parsed = serde_json::from_str(line);
        epochs.push(parsed.map_err(|e: serde_json::Error| {
            let reason = format!("damaged ({e}); {COPY_AGAIN}");
            RecordError::malformed(path, Some(index), reason)
        })?);
    }
    Ok(epochs)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_temporary_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let [first, second] = run.checkpoints();
        let half = folder.path().join("checkpoint-0.safetensors.tmp4711");
        let kept = [
            first.clone(),
            folder.path().join("notes.tmp"),
            folder.path().join("a.tmp1x"),
        ];
        for path in kept.iter().chain([&second, &half]) {
            fs::write(path, "x").unwrap();
        }
        fs::remove_file(second).unwrap();
        run.remove_temporary().unwrap();
        assert!(!half.exists() && kept.iter().all(|path| path.exists()));
        run.remove_checkpoints().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(!first.exists());
    }
}
