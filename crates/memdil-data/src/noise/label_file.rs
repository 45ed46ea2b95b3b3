//! Reading label files: one label per sample, optionally with the clean label.

use std::path::Path;

use super::pickled::{self, Columns, Selection};
use crate::error::DataError;
use crate::formats::arrays::{Array, ArrayFile, Dtype, Role};

/// Reads one label per sample from a file described in [`arrays`](crate::arrays): a `.npy`, the
/// array `labels` of an archive, a `.csv` with one number per line, or a pickled list of integers.
///
/// # Errors
/// [`DataError::Array`] with the file and the row if the file cannot be read, is empty, or does not
/// hold one class number from 0 per sample.
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
        Dtype::Objects => Ok(pickled(&array, Selection::Single)?.observed),
        _ => array.class_numbers(),
    }
}

/// Reads observed labels and, if present, clean labels: two columns of an array or a text file, or
/// two arrays of an archive or a pickled dictionary. `column` selects the observed labels.
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
        return pickled(
            &observed,
            column.map_or(Selection::Default, Selection::Column),
        );
    }
    if column.is_some() && !file.is_archive() {
        let message = "holds one array without a name; omit `column`";
        return Err(observed.error(message.to_owned()));
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

fn pickled(array: &Array, selection: Selection<'_>) -> Result<Columns, DataError> {
    pickled::read(array.bytes(), selection).map_err(|message| array.error(message))
}
