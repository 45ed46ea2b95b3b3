//! Labels: the numbers of classes.

use crate::error::DataError;

/// Refuses a label that is not below `classes`, naming its row.
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
