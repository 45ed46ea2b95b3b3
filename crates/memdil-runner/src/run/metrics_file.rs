//! The metrics of a run while they are being written, one line an epoch.
//!
//! A process that begins or resumes a run writes a new file under the same name: another process
//! that was thought dead may still hold the old file, and its machine may yet write to that.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use memdil_data::verify::hex;
use memdil_records::{EpochRecord, write_atomic};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{RunnerError, write_error};

/// A file of metrics with what was written to it.
#[derive(Debug)]
pub(crate) struct MetricsFile {
    path: PathBuf,
    file: File,
    lines: usize,
    bytes: u64,
    digest: Sha256,
}

/// What a file of metrics held at some moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    lines: usize,
    bytes: u64,
    sha256: String,
}

impl Written {
    /// Reads the beginning of a file that has to be what was written once; an error says why it is
    /// not.
    pub(crate) fn read<'a>(&self, path: &'a Path) -> Result<Beginning<'a>, String> {
        let refused = |reason: &str| format!("{} {reason}", path.display());
        let mut content = fs::read(path).map_err(|e| refused(&format!("cannot be read: {e}")))?;
        match usize::try_from(self.bytes) {
            Ok(bytes) if bytes <= content.len() => content.truncate(bytes),
            _ => return Err(refused("is shorter than it was")),
        }
        if hex(&Sha256::digest(&content)) != self.sha256 {
            return Err(refused("is not what it was"));
        }
        let lines = self.lines;
        Ok(Beginning {
            path,
            lines,
            content,
        })
    }
}

/// The beginning of a file of metrics, to which more can be added.
#[derive(Debug)]
pub(crate) struct Beginning<'a> {
    path: &'a Path,
    lines: usize,
    content: Vec<u8>,
}

impl Beginning<'_> {
    /// Resumes from it in a new file of the same name.
    ///
    /// # Errors
    ///
    /// A failed write: the file before stays as it is.
    pub(crate) fn resume(self) -> Result<MetricsFile, RunnerError> {
        MetricsFile::with(self.path, &self.content, self.lines)
    }
}

impl MetricsFile {
    /// An empty file; what was there is lost.
    pub(crate) fn create(path: &Path) -> Result<Self, RunnerError> {
        Self::with(path, &[], 0)
    }

    /// A new file that begins with some lines.
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

    /// What is in the file, once it is on disk.
    pub(crate) fn written(&self) -> Result<Written, RunnerError> {
        self.file
            .sync_data()
            .map_err(|e| write_error(&self.path, e))?;
        Ok(Written {
            lines: self.lines,
            bytes: self.bytes,
            sha256: hex(&self.digest.clone().finalize()),
        })
    }

    /// Gives the complete file its final name.
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
    fn who_was_succeeded_no_longer_reaches_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics");
        let record = |epoch| EpochRecord {
            epoch,
            loss: 0.1,
            ..EpochRecord::default()
        };
        let mut before = MetricsFile::create(&path).unwrap();
        before.add(&record(1)).unwrap();
        let (written, first) = (before.written().unwrap(), fs::read(&path).unwrap());
        let mut after = written.read(&path).unwrap().resume().unwrap();
        before.add(&record(7)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
        after.add(&record(2)).unwrap();
        MetricsFile::create(&path).unwrap();
        after.add(&record(3)).unwrap();
        assert!(fs::read(&path).unwrap().is_empty());
    }

    #[test]
    fn a_file_is_cut_back_to_what_it_was_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics");
        let record = |epoch| EpochRecord {
            epoch,
            loss: 0.1,
            ..EpochRecord::default()
        };
        let mut file = MetricsFile::create(&path).unwrap();
        file.add(&record(1)).unwrap();
        let after_one = file.written().unwrap();
        let first = fs::read(&path).unwrap();
        file.add(&record(2)).unwrap();
        let (after_two, both) = (file.written().unwrap(), fs::read(&path).unwrap());
        // Half a line, as a kill leaves it.
        fs::write(&path, &both[..both.len() - 3]).unwrap();
        assert!(after_two.read(&path).unwrap_err().contains("shorter"));
        let mut file = after_one.read(&path).unwrap().resume().unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
        file.add(&record(2)).unwrap();
        assert_eq!(
            (file.written().unwrap(), fs::read(&path).unwrap()),
            (after_two.clone(), both.clone())
        );
        // What cannot be written is no fault of what is there.
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
                .contains("not what it was")
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
