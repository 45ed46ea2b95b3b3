//! The result of comparing files with the published ones.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::catalogue::published::{Part, Published, check_order};

/// The result for one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileReport {
    /// The name.
    pub name: String,
    /// The path, if the file exists.
    pub path: Option<PathBuf>,
    /// The result of the comparison.
    #[serde(flatten)]
    pub state: FileState,
}

/// The result of comparing a file with the published one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileState {
    /// The published file, byte by byte.
    #[error("ok")]
    Ok,
    /// An unpacked or recompressed file with the published content, byte by byte.
    #[error("ok (content)")]
    ContentOk,
    /// No checksum is published for this form; the size and any labels are correct.
    #[error("no published checksum for this form; size and labels are right")]
    NoChecksum,
    /// The file does not exist.
    #[error("missing")]
    Missing,
    /// The file is shorter or longer than the published one.
    #[error("has {found} bytes, not {expected}")]
    WrongSize {
        /// The size found.
        found: u64,
        /// The published size.
        expected: u64,
    },
    /// The file has the published size but different content.
    #[error("has SHA-256 {found}, not {expected}")]
    WrongChecksum {
        /// The SHA-256 found.
        found: String,
        /// The published SHA-256.
        expected: String,
    },
    /// The file does not hold the data: it is a web page, or its content is invalid.
    #[error("{what}")]
    NotData {
        /// A description of the file or of the fault.
        what: String,
    },
    /// The labels are out of range or in another order.
    #[error("{cause}")]
    WrongLabels {
        /// The fault.
        cause: String,
    },
}

impl FileState {
    /// The state of a file without a published checksum, determined by its labels.
    pub(super) fn of_labels(published: Published, part: Part, labels: &[u32]) -> Self {
        match check_order(published, part, labels) {
            Ok(()) => Self::NoChecksum,
            Err(error) => Self::WrongLabels {
                cause: error.to_string(),
            },
        }
    }

    /// Whether the file passed all available checks.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok | Self::ContentOk | Self::NoChecksum)
    }
}

impl FileReport {
    pub(super) fn missing(name: &str) -> Self {
        Self::new(name, None, FileState::Missing)
    }

    pub(super) fn new(name: &str, path: Option<&Path>, state: FileState) -> Self {
        Self {
            name: name.to_owned(),
            path: path.map(Path::to_owned),
            state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_serialize_to_flat_json() {
        let state = FileState::WrongSize {
            found: 1,
            expected: 2,
        };
        let report = FileReport::new("a", Some(Path::new("b/a")), state);
        let expected = serde_json::json!({ "name": "a", "path": "b/a", "state": "wrong_size", "found": 1, "expected": 2 });
        assert_eq!(serde_json::to_value(&report).unwrap(), expected);
    }
}
