//! Checking all files of a data set.

use std::fs;
use std::path::{Path, PathBuf};

use super::compare::{check_file, check_unpacked};
use super::other_form;
use super::report::{FileReport, FileState};
use crate::catalogue::places::{find, folders, other_form};
use crate::catalogue::published::{Part, Published};
use crate::catalogue::published_file::PublishedFile;
use crate::error::DataError;
use crate::readers::cifar::Labels;

/// Checks every file of a data set in the folders that the readers search (see [`folders`]).
/// `progress` is called with the name of a file, the number of bytes read and the file size.
///
/// If no folder holds all files, the folder with the most files is checked. A file that exists both
/// compressed and unpacked is checked in both forms. If only the Python version of CIFAR exists, it
/// is checked by the checksum of its archive, or otherwise by its labels.
///
/// # Errors
/// If an existing file cannot be read. A wrong or missing file is not an error but a [`FileState`].
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
    if let Some(kind) = published.cifar_labels()
        && let Some(files) = other_form(published, data_dirs)
    {
        return other_form::verify(published, kind, &files, progress);
    }
    let folders = folders(published, data_dirs);
    let Some(folder) = find(published.files(), &folders) else {
        let names = published.files().iter().map(|file| file.name);
        return Ok(names.map(FileReport::missing).collect());
    };
    let mut reports = verify_files(published.files(), folder, progress)?;
    if let Some(kind) = published.cifar_labels() {
        for part in [Part::Training, Part::Test] {
            check_labels(published, kind, part, &mut reports)?;
        }
    }
    Ok(reports)
}

/// Checks the described files in one folder; see [`verify`].
///
/// # Errors
/// If an existing file cannot be read.
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
            reports.push(FileReport::new(file.name, Some(&path), state));
        }
        let mut absent = Vec::new();
        for inner in file.unpacked {
            match inner.path_in(folder) {
                Some(path) => {
                    let state = check_unpacked(inner, &path, progress)?;
                    reports.push(FileReport::new(inner.name, Some(&path), state));
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

/// Checks the labels of unpacked CIFAR files, for which no checksum is published.
fn check_labels(
    published: Published,
    kind: Labels,
    part: Part,
    reports: &mut [FileReport],
) -> Result<(), DataError> {
    let is_of_part = |report: &&mut FileReport| {
        report.name.ends_with(".bin") && report.name.contains("/test") == (part == Part::Test)
    };
    let of_part: Vec<&mut FileReport> = reports.iter_mut().filter(is_of_part).collect();
    let are_complete = (of_part.iter()).all(|report| report.state == FileState::NoChecksum);
    if of_part.is_empty() || !are_complete {
        return Ok(());
    }
    let mut labels = Vec::new();
    for path in of_part.iter().filter_map(|report| report.path.as_ref()) {
        let bytes = fs::read(path).map_err(DataError::unreadable(path))?;
        labels.extend(kind.of_records(&bytes));
    }
    let state = FileState::of_labels(published, part, &labels);
    for report in of_part {
        report.state = state.clone();
    }
    Ok(())
}
