//! Range check of labels.

use crate::error::DataError;

/// Returns an error with the row if a label is not below `classes`.
pub(crate) fn check_labels(labels: &[u32], classes: usize) -> Result<(), DataError> {
    match labels.iter().position(|&label| label as usize >= classes) {
        None => Ok(()),
        Some(row) => Err(DataError::LabelOutOfRange {
            row,
            label: labels[row],
            classes,
        }),
    }
}
