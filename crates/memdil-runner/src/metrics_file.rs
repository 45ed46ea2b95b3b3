//! The metrics of a run while they are being written, one line an epoch.
//!
//! Whoever begins or goes on writes a file of its own under the name: another process that was
//! thought dead may still hold the one that was there, and its machine write what it had kept in
//! memory.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use memdil_records::{EpochRecord, write_atomic};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::RunnerError;
use crate::error::write_error;

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

impl MetricsFile {
    /// An empty file; what was there is lost.
    pub(crate) fn create(path: &Path) -> Result<Self, RunnerError> {
        write_atomic(path, |_| Ok(()))?;
        let file = File::options()
            .write(true)
            .open(path)
            .map_err(|e| write_error(path, e))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            lines: 0,
            bytes: 0,
            digest: Sha256::new(),
        })
    }

    /// Goes on from what the file held once, in a new file under its name; why not, when it does
    /// not begin with that.
    ///
    /// # Errors
    ///
    /// A failed write: what was there stays.
    pub(crate) fn go_on(
        path: &Path,
        written: &Written,
    ) -> Result<Result<Self, String>, RunnerError> {
        let begins = |content: Vec<u8>| -> Result<(Vec<u8>, Sha256), &str> {
            let start = usize::try_from(written.bytes)
                .ok()
                .and_then(|n| content.get(..n))
                .ok_or("is shorter than it was")?;
            let digest = Sha256::new_with_prefix(start);
            if hex(digest.clone()) == written.sha256 {
                Ok((start.to_vec(), digest))
            } else {
                Err("is not what it was")
            }
        };
        let content = match fs::read(path) {
            Ok(content) => begins(content).map_err(str::to_owned),
            Err(e) => Err(format!("cannot be read: {e}")),
        };
        let (start, digest) = match content {
            Ok(found) => found,
            Err(reason) => return Ok(Err(format!("{} {reason}", path.display()))),
        };
        write_atomic(path, |writer| writer.write_all(&start))?;
        let open = || {
            let mut file = File::options().write(true).open(path)?;
            file.seek(std::io::SeekFrom::End(0))?;
            Ok(file)
        };
        let file = open().map_err(|e: std::io::Error| write_error(path, e))?;
        Ok(Ok(Self {
            path: path.to_owned(),
            file,
            lines: written.lines,
            bytes: written.bytes,
            digest,
        }))
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
            sha256: hex(self.digest.clone()),
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

/// A digest in hexadecimal.
pub(crate) fn hex(digest: Sha256) -> String {
    digest
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
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
        let mut after = MetricsFile::go_on(&path, &written).unwrap().unwrap();
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
        assert!(
            MetricsFile::go_on(&path, &after_two)
                .unwrap()
                .unwrap_err()
                .contains("shorter")
        );
        let mut file = MetricsFile::go_on(&path, &after_one).unwrap().unwrap();
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
        assert!(MetricsFile::go_on(&path, &after_one).is_err());
        assert_eq!(fs::read(&path).unwrap(), both);
        fs::remove_dir(&blocked).unwrap();
        let mut changed = both;
        changed[10] ^= 1;
        fs::write(&path, changed).unwrap();
        assert!(
            MetricsFile::go_on(&path, &after_two)
                .unwrap()
                .unwrap_err()
                .contains("not what it was")
        );
        fs::remove_file(&path).unwrap();
        assert!(
            MetricsFile::go_on(&path, &after_two)
                .unwrap()
                .unwrap_err()
                .contains("cannot be read")
        );
    }
}
