//! CIFAR in another form than the published archive of the binary version.

use std::path::{Path, PathBuf};

use super::checksum::sha256_of_file;
use super::compare::size_of;
use super::report::{FileReport, FileState};
use crate::catalogue::published::{Part, Published};
use crate::error::DataError;
use crate::readers::cifar::{self, Labels};

/// Checks the files that would be read: an archive by the published checksums, and other forms,
/// which have no published checksum, by reading their labels.
///
/// # Errors
/// If an existing file cannot be read from the disk.
pub(super) fn verify(
    published: Published,
    kind: Labels,
    files: &[PathBuf],
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<Vec<FileReport>, DataError> {
    if let [archive] = files
        && is_published(published, archive, progress)?
    {
        return Ok(vec![report(archive, FileState::Ok)]);
    }
    let (train, test) = match cifar::read(files, kind) {
        Ok(read) => read,
        Err(error @ DataError::Io { .. }) => return Err(error),
        Err(error) => {
            let what = match error {
                DataError::Malformed { message, .. } | DataError::Array { message, .. } => message,
                other => other.to_string(),
            };
            let state = FileState::NotData { what };
            let reports = files.iter().map(|path| report(path, state.clone()));
            return Ok(reports.collect());
        }
    };
    let train = FileState::of_labels(published, Part::Training, &train.labels);
    let test = FileState::of_labels(published, Part::Test, &test.labels);
    Ok(match files {
        [archive] => vec![report(archive, if train.is_ok() { test } else { train })],
        [batches @ .., last] => {
            let reports = batches.iter().map(|path| report(path, train.clone()));
            reports.chain([report(last, test)]).collect()
        }
        [] => Vec::new(),
    })
}

/// Whether an archive is one of the two published ones, under any name.
fn is_published(
    published: Published,
    archive: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<bool, DataError> {
    let size = size_of(archive)?;
    let known = published.files().iter().copied().chain(published.python());
    for file in known.filter(|file| file.bytes == size) {
        if sha256_of_file(archive, |done| progress(file.name, done, size))? == file.sha256 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn report(path: &Path, state: FileState) -> FileReport {
    let name = path.file_name().unwrap_or_default().display().to_string();
    FileReport::new(&name, Some(path), state)
}
