//! Labels of a file: one per sample, with or without the clean label beside it.

use std::path::Path;

use super::pickled::{self, Columns, Wanted};
use crate::error::DataError;
use crate::formats::arrays::{Array, ArrayFile, Dtype, Role};

/// Reads one label per sample from a file as [`arrays`](crate::arrays) describes them: a `.npy`, the
/// array `labels` of an archive, a `.csv` with one number a line, or a pickled list of integers.
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
    let array = ArrayFile::open(path)?.require(Role::Labels)?;
    match array.dtype() {
        Dtype::Objects => Ok(pickled(&array, Wanted::Alone)?.observed),
        _ => array.class_numbers(),
    }
}

/// Reads observed labels and, where they are there, clean ones: two columns of an array or a text,
/// two arrays of an archive or of a pickled dictionary. `column` names the observed ones.
pub(super) fn read_columns(file: &ArrayFile, column: Option<&str>) -> Result<Columns, DataError> {
    let observed = match column.filter(|_| file.is_archive()) {
        Some(column) => file.array(column)?.ok_or_else(|| file.lacks(column, ""))?,
        None => {
            let (role, remedy) = (Role::ObservedLabels, ", or name one by `column` (--column)");
            file.find(role)?
                .ok_or_else(|| file.lacks(role.name(), remedy))?
        }
    };
    if *observed.dtype() == Dtype::Objects {
        return pickled(&observed, column.map_or(Wanted::Any, Wanted::Named));
    }
    if column.is_some() && !file.is_archive() {
        let message = "holds one array without a name: leave `column` out";
        return Err(observed.refuse(message.to_owned()));
    }
    if let Some([clean, observed]) = observed.label_pair()? {
        return Ok(Columns {
            clean: Some(clean),
            observed,
            pickled: false,
        });
    }
    let clean = file.named(Role::CleanLabels)?;
    Ok(Columns {
        clean: clean.map(|clean| clean.class_numbers()).transpose()?,
        observed: observed.class_numbers()?,
        pickled: false,
    })
}

fn pickled(array: &Array, wanted: Wanted<'_>) -> Result<Columns, DataError> {
    pickled::read(array.bytes(), wanted).map_err(|message| array.refuse(message))
}
