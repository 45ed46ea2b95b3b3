//! The metrics of an unfinished run, one line per epoch.
//!
//! A process that starts or resumes a run replaces the file by a new one with the same name. A
//! previous process that was suspended and has lost its lease may still append to the old file,
//! which no longer affects the new one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use memdil_data::verify::hex;
use memdil_records::{EpochRecord, write_atomic};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{RunnerError, write_error};

/// A file of metrics that is being written.
#[derive(Debug)]
pub(crate) struct MetricsFile {
    path: PathBuf,
    file: File,
    lines: usize,
    bytes: u64,
    digest: Sha256,
}

/// The length and the checksum of the metrics at the time of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fingerprint {
    lines: usize,
    bytes: u64,
    sha256: String,
}

impl Fingerprint {
    /// Reads the part of a file that has this fingerprint; the error is the reason why it does not.
    pub(crate) fn read<'a>(&self, path: &'a Path) -> Result<VerifiedMetrics<'a>, String> {
        let refused = |reason: &str| format!("{} {reason}", path.display());
        let mut content = fs::read(path).map_err(|e| refused(&format!("cannot be read: {e}")))?;
        match usize::try_from(self.bytes) {
            Ok(bytes) if bytes <= content.len() => content.truncate(bytes),
            _ => return Err(refused("is shorter than at the checkpoint")),
        }
        if hex(&Sha256::digest(&content)) != self.sha256 {
            return Err(refused("has changed since the checkpoint"));
        }
        let lines = self.lines;
        Ok(VerifiedMetrics {
            path,
            lines,
            content,
        })
    }
}

/// The metrics up to a checkpoint, checked against its fingerprint.
#[derive(Debug)]
pub(crate) struct VerifiedMetrics<'a> {
    path: &'a Path,
    lines: usize,
    content: Vec<u8>,
}

impl VerifiedMetrics<'_> {
    /// Replaces the file by a new one with these metrics, to which lines can be added.
    ///
    /// # Errors
    ///
    /// A failed write; the old file is then unchanged.
    pub(crate) fn resume(self) -> Result<MetricsFile, RunnerError> {
        MetricsFile::with(self.path, &self.content, self.lines)
    }
}

impl MetricsFile {
    /// Creates an empty file, which replaces an existing one.
    pub(crate) fn create(path: &Path) -> Result<Self, RunnerError> {
        Self::with(path, &[], 0)
    }

    /// Creates a file that begins with `content`.
    fn with(path: &Path, content: &[u8], lines: usize) -> Result<Self, RunnerError> {
        write_atomic(path, |writer| writer.write_all(content))?;
        let file = File::options().append(true).open(path);
        Ok(Self {
            path: path.to_owned(),
            file: file.map_err(|e| write_error(path, e))?,
            lines,
            bytes: content.len() as u64,
            digest: Sha256::new_with_prefix(content),
        })
    }

    /// Adds the line of an epoch.
    pub(crate) fn add(&mut self, record: &EpochRecord) -> Result<(), RunnerError> {
        let mut write = || {
            let mut line = serde_json::to_vec(record)?;
            line.push(b'\n');
            self.file.write_all(&line)?;
            Ok(line)
        };
        let line = write().map_err(|e: std::io::Error| write_error(&self.path, e))?;
        self.lines += 1;
        self.bytes += line.len() as u64;
        self.digest.update(&line);
        Ok(())
    }

    /// Flushes the file to disk and returns its fingerprint.
    pub(crate) fn fingerprint(&self) -> Result<Fingerprint, RunnerError> {
        self.file
            .sync_data()
            .map_err(|e| write_error(&self.path, e))?;
        Ok(Fingerprint {
            lines: self.lines,
            bytes: self.bytes,
            sha256: hex(&self.digest.clone().finalize()),
        })
    }

    /// Renames the complete file to its final name.
    pub(crate) fn finish(self, name: &Path) -> Result<(), RunnerError> {
        let finish = || {
            self.file
                .sync_all()
                .and_then(|()| fs::rename(&self.path, name))
        };
        finish().map_err(|e| write_error(&self.path, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_writer_does_not_change_the_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics");
        let record = |epoch| EpochRecord {
            epoch,
            loss: 0.1,
            ..EpochRecord::default()
        };
        let mut before = MetricsFile::create(&path).unwrap();
        before.add(&record(1)).unwrap();
        let (fingerprint, first) = (before.fingerprint().unwrap(), fs::read(&path).unwrap());
        let mut after = fingerprint.read(&path).unwrap().resume().unwrap();
        before.add(&record(7)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
        after.add(&record(2)).unwrap();
        MetricsFile::create(&path).unwrap();
        after.add(&record(3)).unwrap();
        assert!(fs::read(&path).unwrap().is_empty());
    }

    #[test]
    fn a_file_is_truncated_to_its_checkpoint_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics");
        let record = |epoch| EpochRecord {
            epoch,
            loss: 0.1,
            ..EpochRecord::default()
        };
        let mut file = MetricsFile::create(&path).unwrap();
        file.add(&record(1)).unwrap();
        let after_one = file.fingerprint().unwrap();
        let first = fs::read(&path).unwrap();
        file.add(&record(2)).unwrap();
        let (after_two, both) = (file.fingerprint().unwrap(), fs::read(&path).unwrap());
        // A partial line, as left by a killed process.
        fs::write(&path, &both[..both.len() - 3]).unwrap();
        assert!(after_two.read(&path).unwrap_err().contains("shorter"));
        let mut file = after_one.read(&path).unwrap().resume().unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
        file.add(&record(2)).unwrap();
        assert_eq!(
            (file.fingerprint().unwrap(), fs::read(&path).unwrap()),
            (after_two.clone(), both.clone())
        );
        // A failed write does not change the existing file.
        let blocked = folder
            .path()
            .join(format!("metrics.tmp{}", std::process::id()));
        fs::create_dir(&blocked).unwrap();
        assert!(after_one.read(&path).unwrap().resume().is_err());
        assert_eq!(fs::read(&path).unwrap(), both);
        fs::remove_dir(&blocked).unwrap();
        let mut changed = both;
        changed[10] ^= 1;
        fs::write(&path, changed).unwrap();
        assert!(
            after_two
                .read(&path)
                .unwrap_err()
                .contains("has changed since the checkpoint")
        );
        fs::remove_file(&path).unwrap();
        assert!(
            after_two
                .read(&path)
                .unwrap_err()
                .contains("cannot be read")
        );
    }
}
