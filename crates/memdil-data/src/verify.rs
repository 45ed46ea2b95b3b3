//! Checking the files of a published data set against what is published.

mod other_form;

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::DataError;
use crate::catalogue::{Part, Published, PublishedFile, Unpacked, check_order};
use crate::cifar::Labels;
use crate::foreign::{ENOUGH, foreign};
use crate::gzip::Gzip;
use crate::places::{find, folders, other_form, unpacked_path};
use crate::unpack::read_full;

/// What was found out about one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name.
    pub name: String,
    /// Where it lies, if it is there.
    pub path: Option<PathBuf>,
    /// How it compares with the published one.
    #[serde(flatten)]
    pub state: FileState,
}

/// How a file compares with the published one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileState {
    /// The published file, byte by byte.
    #[error("ok")]
    Ok,
    /// Unpacked or packed anew; the content is the published one, byte by byte.
    #[error("ok (content)")]
    ContentOk,
    /// There is no published checksum for this form; the size is right, and so are the labels where
    /// there are any.
    #[error("no published checksum for this form; size and labels are right")]
    NoChecksum,
    /// It is not there.
    #[error("missing")]
    Missing,
    /// It is shorter or longer than the published one.
    #[error("has {found} bytes, not {expected}")]
    WrongSize {
        /// Its size.
        found: u64,
        /// The size published.
        expected: u64,
    },
    /// It has the right size but another content.
    #[error("has SHA-256 {found}, not {expected}")]
    WrongChecksum {
        /// Its SHA-256.
        found: String,
        /// The SHA-256 published.
        expected: String,
    },
    /// It does not hold the data: it is a web page, or cannot be read.
    #[error("{what}")]
    NotData {
        /// What it is, or what is wrong with it.
        what: String,
    },
    /// Its labels are no classes or come in another order.
    #[error("{cause}")]
    WrongLabels {
        /// What is wrong with them.
        cause: String,
    },
}

impl FileState {
    /// Whether nothing speaks against the file.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok | Self::ContentOk | Self::NoChecksum)
    }
}

/// Checks every file of a data set where the readers look for it (see [`folders`]); `progress` gets
/// the name of a file, the bytes read and its size.
///
/// If no folder holds all files, the one with most of them is checked. A file that is there both
/// packed and unpacked is checked in both forms. Where CIFAR is there in the version for Python
/// only, that is checked: by the checksum of its archive, else by its labels.
///
/// # Errors
/// A file that is there but cannot be read. A wrong or missing file is no error but a
/// [`FileState`].
///
/// ```
/// use memdil_data::catalogue::Published;
/// use memdil_data::verify::{FileState, verify};
///
/// let reports = verify(Published::Svhn, &["/nowhere".into()], &mut |_file, _done, _total| ())?;
/// assert_eq!(reports.len(), 2);
/// assert_eq!(reports[0].state, FileState::Missing);
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn verify(
    published: Published,
    data_dirs: &[PathBuf],
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<Vec<FileReport>, DataError> {
    if let Some(files) = other_form(published, data_dirs) {
        return other_form::verify(published, &files, progress);
    }
    let folders = folders(published, data_dirs);
    let Some(folder) = find(published.files(), &folders) else {
        let missing = |file: &PublishedFile<'_>| FileReport::missing(file.name);
        return Ok(published.files().iter().map(missing).collect());
    };
    let mut reports = verify_files(published.files(), folder, progress)?;
    for part in [Part::Training, Part::Test] {
        check_labels(published, part, &mut reports)?;
    }
    Ok(reports)
}

/// Checks files of any description in one folder; see [`verify`].
///
/// # Errors
/// A file that is there but cannot be read.
pub fn verify_files(
    files: &[PublishedFile<'_>],
    folder: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<Vec<FileReport>, DataError> {
    let mut reports = Vec::new();
    for file in files {
        let before = reports.len();
        let path = file.packed_path(folder);
        let packed = path.is_some();
        if let Some(path) = path {
            let state = check_file(file, &path, progress)?;
            reports.push(FileReport {
                name: file.name.to_owned(),
                path: Some(path),
                state,
            });
        }
        let mut absent = Vec::new();
        for inner in file.unpacked {
            match unpacked_path(folder, inner.name) {
                Some(path) => {
                    let state = check_unpacked(inner, &path, progress)?;
                    reports.push(FileReport {
                        name: inner.name.to_owned(),
                        path: Some(path),
                        state,
                    });
                }
                None => absent.push(FileReport::missing(inner.name)),
            }
        }
        if reports.len() == before {
            reports.push(FileReport::missing(file.name));
        } else if !packed {
            reports.extend(absent);
        }
    }
    Ok(reports)
}

impl FileReport {
    fn missing(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: None,
            state: FileState::Missing,
        }
    }
}

/// Compares a file that is there with the published one; a gzip file packed anew is judged by its
/// content.
pub(crate) fn check_file(
    file: &PublishedFile<'_>,
    path: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<FileState, DataError> {
    let io_error = |cause| DataError::Io {
        path: path.to_owned(),
        cause,
    };
    let size = fs::metadata(path).map_err(io_error)?.len();
    let wrong = if size == file.bytes {
        let found = sha256_of_file(path, |done| progress(file.name, done, size))?;
        if found == file.sha256 {
            return Ok(FileState::Ok);
        }
        FileState::WrongChecksum {
            found,
            expected: file.sha256.to_owned(),
        }
    } else {
        FileState::WrongSize {
            found: size,
            expected: file.bytes,
        }
    };
    if let [
        Unpacked {
            bytes,
            sha256: Some(expected),
            ..
        },
    ] = *file.unpacked
    {
        // One byte more than there should be tells a longer content, however long it is.
        let content =
            Gzip::new(BufReader::new(File::open(path).map_err(io_error)?)).take(bytes + 1);
        // A damaged stream is no error here: that the file is not the published one says more.
        if let Ok(found) = sha256_of(content, |done| progress(file.name, done.min(bytes), bytes))
            && found == expected
        {
            return Ok(FileState::ContentOk);
        }
    }
    Ok(not_data(path)?.unwrap_or(wrong))
}

/// Whether a file is a web page or a pointer of Git LFS.
fn not_data(path: &Path) -> Result<Option<FileState>, DataError> {
    let mut start = [0; ENOUGH];
    let read = File::open(path)
        .and_then(|mut file| read_full(&mut file, &mut start))
        .map_err(|cause| DataError::Io {
            path: path.to_owned(),
            cause,
        })?;
    let what = foreign(&start[..read]).map(str::to_owned);
    Ok(what.map(|what| FileState::NotData { what }))
}

fn check_unpacked(
    file: &Unpacked<'_>,
    path: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<FileState, DataError> {
    let found = fs::metadata(path)
        .map_err(|cause| DataError::Io {
            path: path.to_owned(),
            cause,
        })?
        .len();
    if found != file.bytes {
        let wrong = FileState::WrongSize {
            found,
            expected: file.bytes,
        };
        return Ok(not_data(path)?.unwrap_or(wrong));
    }
    let Some(expected) = file.sha256 else {
        return Ok(FileState::NoChecksum);
    };
    let found = sha256_of_file(path, |done| progress(file.name, done, file.bytes))?;
    if found == expected {
        return Ok(FileState::ContentOk);
    }
    Ok(FileState::WrongChecksum {
        found,
        expected: expected.to_owned(),
    })
}

/// Checks the labels of unpacked CIFAR files, for which no checksum is published.
fn check_labels(
    published: Published,
    part: Part,
    reports: &mut [FileReport],
) -> Result<(), DataError> {
    let kind = match published {
        Published::Cifar10 => Labels::Cifar10,
        Published::Cifar100 => Labels::Fine,
        _ => return Ok(()),
    };
    let is_test = |name: &str| name.contains("/test");
    let mut of_part: Vec<&mut FileReport> = reports
        .iter_mut()
        .filter(|report| {
            report.name.ends_with(".bin") && is_test(&report.name) == (part == Part::Test)
        })
        .collect();
    if of_part.is_empty()
        || of_part
            .iter()
            .any(|report| report.state != FileState::NoChecksum)
    {
        return Ok(());
    }
    let mut labels = Vec::new();
    for report in &of_part {
        if let Some(path) = &report.path {
            let bytes = fs::read(path).map_err(|cause| DataError::Io {
                path: path.clone(),
                cause,
            })?;
            labels.extend(kind.of_records(&bytes));
        }
    }
    if let Err(error) = check_order(published, part, &labels) {
        for report in &mut of_part {
            report.state = FileState::WrongLabels {
                cause: error.to_string(),
            };
        }
    }
    Ok(())
}

/// SHA-256 of a file; `progress` gets the bytes read.
pub(crate) fn sha256_of_file(path: &Path, progress: impl FnMut(u64)) -> Result<String, DataError> {
    File::open(path)
        .and_then(|file| sha256_of(file, progress))
        .map_err(|cause| DataError::Io {
            path: path.to_owned(),
            cause,
        })
}

fn sha256_of(mut reader: impl Read, mut progress: impl FnMut(u64)) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut done = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                hash.update(&buffer[..n]);
                done += n as u64;
                progress(done);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
