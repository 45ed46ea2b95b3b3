//! Comparing one file with the published one.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use super::checksum::{sha256_of, sha256_of_file};
use super::report::FileState;
use crate::catalogue::published_file::{PublishedFile, Unpacked};
use crate::error::DataError;
use crate::formats::gzip::Gzip;
use crate::formats::signature::{SIGNATURE_BYTES, foreign};
use crate::formats::unpack::read_full;

/// The size of a file in bytes.
pub(super) fn size_of(path: &Path) -> Result<u64, DataError> {
    let metadata = fs::metadata(path).map_err(DataError::unreadable(path))?;
    Ok(metadata.len())
}

/// Compares an existing file with the published one; a recompressed gzip file is compared by its
/// content.
pub(crate) fn check_file(
    file: &PublishedFile<'_>,
    path: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<FileState, DataError> {
    let published = (file.bytes, Some(file.sha256));
    let Some(wrong) = difference(file.name, published, path, progress)? else {
        return Ok(FileState::Ok);
    };
    if let &[Unpacked { bytes, sha256, .. }] = file.unpacked
        && let Some(expected) = sha256
    {
        // One byte more than expected suffices to detect longer content.
        let packed = File::open(path).map_err(DataError::unreadable(path))?;
        let content = Gzip::new(BufReader::new(packed)).take(bytes + 1);
        // A damaged stream is not an error here: the caller reports that the file differs.
        if let Ok(found) = sha256_of(content, |done| progress(file.name, done.min(bytes), bytes))
            && found == expected
        {
            return Ok(FileState::ContentOk);
        }
    }
    Ok(not_data(path)?.unwrap_or(wrong))
}

/// [`FileState::NotData`] if a file is a web page or a Git LFS pointer.
fn not_data(path: &Path) -> Result<Option<FileState>, DataError> {
    let mut start = [0; SIGNATURE_BYTES];
    let read = File::open(path)
        .and_then(|mut file| read_full(&mut file, &mut start))
        .map_err(DataError::unreadable(path))?;
    let what = foreign(&start[..read]).map(str::to_owned);
    Ok(what.map(|what| FileState::NotData { what }))
}

/// Compares an existing unpacked file with the published one.
pub(super) fn check_unpacked(
    file: &Unpacked<'_>,
    path: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<FileState, DataError> {
    match difference(file.name, (file.bytes, file.sha256), path, progress)? {
        Some(wrong) => Ok(not_data(path)?.unwrap_or(wrong)),
        None if file.sha256.is_some() => Ok(FileState::ContentOk),
        None => Ok(FileState::NoChecksum),
    }
}

/// The difference of a file from the published size and, if known, checksum.
fn difference(
    name: &str,
    (bytes, sha256): (u64, Option<&str>),
    path: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<Option<FileState>, DataError> {
    let found = size_of(path)?;
    if found != bytes {
        let expected = bytes;
        return Ok(Some(FileState::WrongSize { found, expected }));
    }
    let Some(expected) = sha256.map(str::to_owned) else {
        return Ok(None);
    };
    let found = sha256_of_file(path, |done| progress(name, done, bytes))?;
    Ok((found != expected).then_some(FileState::WrongChecksum { found, expected }))
}
