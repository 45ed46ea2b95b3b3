//! A sweep as a file: one run a line.

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
    /// Name of the run and of its folder, unique to the specification.
    pub id: String,
    /// What is run.
    pub spec: RunSpec,
}

/// Classes that the name of a run lists; more are counted, since the name of a folder has 255 bytes
/// at most.
const LISTED: usize = 20;

/// The name of a run: readable parts, then eight hexadecimal digits of the SHA-256 of the whole
/// specification.
///
/// Equal specifications have equal names, so a sweep that is planned again finds its finished runs.
pub fn run_id(spec: &RunSpec) -> String {
    // A specification holds numbers, strings and lists only: it always serialises.
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
/// [`RecordError::Read`], or [`RecordError::Malformed`] naming the line that is no run or whose id
/// does not belong to its specification, or that stands there already; an empty manifest is
/// malformed.
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
            return Err(malformed(format!("run {} stands here twice", line.id)));
        }
        lines.push(line);
    }
    if lines.is_empty() {
        let reason = "the manifest holds no run".to_owned();
        return Err(RecordError::malformed(path, None, reason));
    }
    Ok(lines)
}

/// A line of a manifest, or what is wrong with it.
fn read_line(text: &str) -> Result<ManifestLine, String> {
    const PLAN: &str = "a manifest of another version must be planned again";
    let line: ManifestLine = serde_json::from_str(text).map_err(|e| format!("{e}; {PLAN}"))?;
    line.spec.validate().map_err(|e| format!("{e}; {PLAN}"))?;
    if line.id != run_id(&line.spec) {
        return Err(format!(
            "id {} does not belong to this specification: plan the sweep again",
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
