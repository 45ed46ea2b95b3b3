//! A sweep as a file: one run a line.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use memdil_data::LabelNoise;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{RecordError, RunSpec, write_atomic};

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
    let digest: String = Sha256::digest(&json)
        .iter()
        .take(4)
        .map(|b| format!("{b:02x}"))
        .collect();
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
        "{}_{classes}_{}_{noise}_s{}_{digest}",
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
    let text = fs::read_to_string(path).map_err(|cause| RecordError::Read {
        path: path.to_owned(),
        cause,
    })?;
    let malformed = |line, reason| RecordError::Malformed {
        path: path.to_owned(),
        line,
        reason,
    };
    let (mut lines, mut known): (Vec<ManifestLine>, _) = (Vec::new(), HashSet::new());
    for (index, text) in text
        .lines()
        .enumerate()
        .filter(|(_, text)| !text.trim().is_empty())
    {
        let refused = |e: &dyn std::fmt::Display| {
            malformed(
                Some(index + 1),
                format!("{e}; a manifest of another version must be planned again"),
            )
        };
        let line: ManifestLine = serde_json::from_str(text).map_err(|e| refused(&e))?;
        line.spec.validate().map_err(|e| refused(&e))?;
        if line.id != run_id(&line.spec) {
            let reason = format!(
                "id {} does not belong to this specification: plan the sweep again",
                line.id
            );
            return Err(malformed(Some(index + 1), reason));
        }
        if !known.insert(line.id.clone()) {
            return Err(malformed(
                Some(index + 1),
                format!("run {} stands here twice", line.id),
            ));
        }
        lines.push(line);
    }
    if lines.is_empty() {
        return Err(malformed(None, "the manifest holds no run".to_owned()));
    }
    Ok(lines)
}

/// Writes a manifest atomically.
///
/// # Errors
///
/// [`RecordError::Write`].
pub fn write_manifest(path: &Path, lines: &[ManifestLine]) -> Result<(), RecordError> {
    write_atomic(path, |writer| {
        for line in lines {
            serde_json::to_writer(&mut *writer, line)?;
            std::io::Write::write_all(writer, b"\n")?;
        }
        Ok(())
    })
}
