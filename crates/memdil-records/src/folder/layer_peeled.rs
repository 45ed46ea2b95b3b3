//! The results of the layer-peeled experiment in a folder of runs.

use std::path::{Path, PathBuf};

use super::files::{read_text, write_lines};
use crate::error::RecordError;
use crate::record::layer_peeled::LayerPeeledRecord;

/// Where the results of the layer-peeled experiment are in a folder of runs: `layer-peeled.jsonl`.
pub fn layer_peeled_path(folder: &Path) -> PathBuf {
    folder.join("layer-peeled.jsonl")
}

/// Reads the results in a folder of runs; none where there is no such file.
///
/// # Errors
///
/// [`RecordError::Read`], or [`RecordError::Malformed`] naming the line that is no result.
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

/// The result in a line, or what is wrong with it.
fn read_record(line: &str) -> Result<LayerPeeledRecord, String> {
    let record: LayerPeeledRecord = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let (found, known) = (record.format, LayerPeeledRecord::FORMAT);
    if found != known {
        return Err(format!("format {found} is not the one known here, {known}"));
    }
    record.spec.validate().map_err(|e| e.to_string())?;
    Ok(record)
}

/// Writes the results atomically, one a line.
///
/// # Errors
///
/// [`RecordError::Write`].
pub fn write_layer_peeled(folder: &Path, records: &[LayerPeeledRecord]) -> Result<(), RecordError> {
    write_lines(&layer_peeled_path(folder), records)
}
