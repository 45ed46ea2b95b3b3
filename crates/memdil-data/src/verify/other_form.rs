//! CIFAR in another form than the published archive of the binary version.

use std::fs;
use std::path::{Path, PathBuf};

use super::{FileReport, FileState, sha256_of_file};
use crate::catalogue::{Part, Published, check_order};
use crate::cifar::{self, Labels};
use crate::{DataError, Split};

/// Checks the files that are read: an archive by the published checksums, any other form by what
/// can be read of it, since no checksum is published for it.
///
/// # Errors
/// A file that is there but cannot be read from the disk.
pub(super) fn verify(
    published: Published,
    files: &[PathBuf],
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<Vec<FileReport>, DataError> {
    if let [archive] = files
        && is_published(published, archive, progress)?
    {
        return Ok(vec![report(archive, FileState::Ok)]);
    }
    let kind = if published == Published::Cifar100 {
        Labels::Fine
    } else {
        Labels::Cifar10
    };
    let read = match cifar::read(files, kind) {
        Ok(read) => read,
        Err(error @ DataError::Io { .. }) => return Err(error),
        Err(error) => {
            let what = match error {
                DataError::Malformed { message, .. } | DataError::Array { message, .. } => message,
                other => other.to_string(),
            };
            let state = || FileState::NotData { what: what.clone() };
            return Ok(files.iter().map(|path| report(path, state())).collect());
        }
    };
    let (train, test) = read;
    let train = state(published, Part::Training, &train);
    let test = state(published, Part::Test, &test);
    Ok(match files {
        [archive] => vec![report(archive, if train.is_ok() { test } else { train })],
        [batches @ .., last] => batches
            .iter()
            .map(|path| report(path, train.clone()))
            .chain([report(last, test)])
            .collect(),
        [] => Vec::new(),
    })
}

/// Whether an archive is one of the two that are published, whatever its name is.
fn is_published(
    published: Published,
    archive: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<bool, DataError> {
    let size = fs::metadata(archive)
        .map_err(|cause| DataError::Io {
            path: archive.to_owned(),
            cause,
        })?
        .len();
    let known = published.files().iter().copied().chain(published.python());
    for file in known.filter(|file| file.bytes == size) {
        if sha256_of_file(archive, |done| progress(file.name, done, size))? == file.sha256 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn state(published: Published, part: Part, split: &Split) -> FileState {
    match check_order(published, part, &split.labels) {
        Ok(()) => FileState::NoChecksum,
        Err(error) => FileState::WrongLabels {
            cause: error.to_string(),
        },
    }
}

fn report(path: &Path, state: FileState) -> FileReport {
    FileReport {
        name: path.file_name().unwrap_or_default().display().to_string(),
        path: Some(path.to_owned()),
        state,
    }
}
