//! Labels of a file: one per sample, with or without the clean label beside it.

use std::path::Path;

use crate::DataError;
use crate::arrays::{ArrayFile, Role};

/// Labels of one file, row by row.
pub(super) struct Columns {
    pub(super) clean: Option<Vec<u32>>,
    pub(super) observed: Vec<u32>,
}

/// Reads one label per sample from a file as [`arrays`](crate::arrays) describes them: a `.npy`, the
/// array `labels` of an archive, or a `.csv` with one number a line.
///
/// # Errors
/// [`DataError::Array`] with the file and the row if it cannot be read, is empty, or holds something
/// else than class numbers from 0, one per sample.
///
/// ```
/// let path = std::env::temp_dir().join(format!("memdil-labels-{}.csv", std::process::id()));
/// std::fs::write(&path, "label\n3\n0\n1\n").unwrap();
/// assert_eq!(memdil_data::noise::read_labels(&path)?, [3, 0, 1]);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn read_labels(path: &Path) -> Result<Vec<u32>, DataError> {
    ArrayFile::open(path)?
        .require(Role::Labels)?
        .class_numbers()
}

/// Reads observed labels and, where they are there, clean ones: two columns of an array or a text,
/// or two arrays of an archive.
pub(super) fn read_columns(file: &ArrayFile) -> Result<Columns, DataError> {
    let observed = file.require(Role::ObservedLabels)?;
    if let Some([clean, observed]) = observed.label_pair()? {
        return Ok(Columns {
            clean: Some(clean),
            observed,
        });
    }
    let clean = file.named(Role::CleanLabels)?;
    Ok(Columns {
        clean: clean.map(|clean| clean.class_numbers()).transpose()?,
        observed: observed.class_numbers()?,
    })
}

pub(super) fn refuse(path: &Path, message: String) -> DataError {
    DataError::NoiseFile {
        path: path.to_owned(),
        message,
    }
}
