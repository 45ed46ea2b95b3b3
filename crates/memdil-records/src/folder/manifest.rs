//! Manifests: the planned runs of a sweep, one per line.

use std::collections::HashSet;
use std::path::Path;

use memdil_data::LabelNoise;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files::{read_text, write_lines};
use crate::error::RecordError;
use crate::spec::run::RunSpec;

/// One line of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestLine {
    /// The name of the run and of its folder, unique to the specification.
    pub id: String,
    /// The specification of the run.
    pub spec: RunSpec,
}

/// The largest number of classes that a run's name lists. For more classes it has only their count,
/// because the name of a folder is limited to 255 bytes.
const LISTED: usize = 20;

/// The name of a run: readable parts, followed by eight hexadecimal digits of the SHA-256 of the
/// whole specification.
///
/// Equal specifications have equal names, so a sweep that is planned again finds its finished runs.
pub fn run_id(spec: &RunSpec) -> String {
    // Cannot fail: a specification contains only numbers, strings and lists.
    let json = serde_json::to_vec(spec).unwrap_or_default();
    let [a, b, c, d, ..] = Sha256::digest(&json).0;
    let digest = u32::from_be_bytes([a, b, c, d]);
    let classes = match &spec.data.classes {
        classes if classes.len() > LISTED => format!("{}-classes", classes.len()),
        classes => classes
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join("-"),
    };
    let noise = match &spec.noise {
        LabelNoise::FromFile { .. } => "file".to_owned(),
        noise => format!("eta{}", (noise.requested() * 1e6).round() / 1e6),
    };
    format!(
        "{}_{classes}_{}_{noise}_s{}_{digest:08x}",
        spec.experiment,
        spec.loss.short_name(),
        spec.seed
    )
}

/// Reads a manifest.
///
/// # Errors
///
/// [`RecordError::Read`], or [`RecordError::Malformed`] that names the invalid line: it is not a
/// run, its id does not match its specification, or the run is listed twice. An empty manifest is
/// malformed too.
pub fn read_manifest(path: &Path) -> Result<Vec<ManifestLine>, RecordError> {
    let mut lines: Vec<ManifestLine> = Vec::new();
    let mut known = HashSet::new();
    for (index, text) in read_text(path)?.lines().enumerate() {
        if text.trim().is_empty() {
            continue;
        }
        let malformed = |reason| RecordError::malformed(path, Some(index), reason);
        let line = read_line(text).map_err(malformed)?;
        if !known.insert(line.id.clone()) {
            return Err(malformed(format!("run {} is listed twice", line.id)));
        }
        lines.push(line);
    }
    if lines.is_empty() {
        let reason = "the manifest contains no runs".to_owned();
        return Err(RecordError::malformed(path, None, reason));
    }
    Ok(lines)
}

/// Parses a line of a manifest; the error is the reason without the path.
fn read_line(text: &str) -> Result<ManifestLine, String> {
    const PLAN: &str = "if another version wrote the manifest, plan the sweep again";
    let line: ManifestLine = serde_json::from_str(text).map_err(|e| format!("{e}; {PLAN}"))?;
    line.spec.validate().map_err(|e| format!("{e}; {PLAN}"))?;
    if line.id != run_id(&line.spec) {
        return Err(format!(
            "id {} does not match its specification; plan the sweep again",
            line.id
        ));
    }
    Ok(line)
}

/// Writes a manifest atomically.
///
/// # Errors
///
/// [`RecordError::Write`].
pub fn write_manifest(path: &Path, lines: &[ManifestLine]) -> Result<(), RecordError> {
    write_lines(path, lines)
}
