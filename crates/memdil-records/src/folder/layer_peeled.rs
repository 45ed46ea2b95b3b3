//! The results of the layer-peeled experiment in a folder of runs.

use std::path::{Path, PathBuf};

use super::files::{read_text, write_lines};
use crate::error::RecordError;
use crate::record::layer_peeled::LayerPeeledRecord;

/// The path of the results of the layer-peeled experiment in a folder of runs:
/// `layer-peeled.jsonl`.
pub fn layer_peeled_path(folder: &Path) -> PathBuf {
    folder.join("layer-peeled.jsonl")
}

/// Reads the results in a folder of runs; empty if the file does not exist.
///
/// # Errors
///
/// [`RecordError::Read`], or [`RecordError::Malformed`] that names the invalid line.
pub fn read_layer_peeled(folder: &Path) -> Result<Vec<LayerPeeledRecord>, RecordError> {
    let path = layer_peeled_path(folder);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = read_text(&path)?;
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            let record = read_record(line);
            record.map_err(|reason| RecordError::malformed(&path, Some(index), reason))
        })
        .collect()
}

/// Parses a line; the error is the reason without the path.
fn read_record(line: &str) -> Result<LayerPeeledRecord, String> {
    let record: LayerPeeledRecord = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let (found, known) = (record.format, LayerPeeledRecord::FORMAT);
    if found != known {
        return Err(format!(
            "format {found} is not supported, only {known}; remove this file and run it again"
        ));
    }
    record.spec.validate().map_err(|e| e.to_string())?;
    Ok(record)
}

/// Writes the results atomically, one per line.
///
/// # Errors
///
/// [`RecordError::Write`].
pub fn write_layer_peeled(folder: &Path, records: &[LayerPeeledRecord]) -> Result<(), RecordError> {
    write_lines(&layer_peeled_path(folder), records)
}
