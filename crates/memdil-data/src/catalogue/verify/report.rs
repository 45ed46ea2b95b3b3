//! What a comparison of files with the published ones finds.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::catalogue::published::{Part, Published, check_order};

/// What was found out about one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileReport {
    /// Its name.
    pub name: String,
    /// Where it lies, if it is there.
    pub path: Option<PathBuf>,
    /// How it compares with the published one.
    #[serde(flatten)]
    pub state: FileState,
}

/// How a file compares with the published one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileState {
    /// The published file, byte by byte.
    #[error("ok")]
    Ok,
    /// Unpacked or packed anew; the content is the published one, byte by byte.
    #[error("ok (content)")]
    ContentOk,
    /// There is no published checksum for this form; the size is right, and so are the labels where
    /// there are any.
    #[error("no published checksum for this form; size and labels are right")]
    NoChecksum,
    /// It is not there.
    #[error("missing")]
    Missing,
    /// It is shorter or longer than the published one.
    #[error("has {found} bytes, not {expected}")]
    WrongSize {
        /// Its size.
        found: u64,
        /// The size published.
        expected: u64,
    },
    /// It has the right size but another content.
    #[error("has SHA-256 {found}, not {expected}")]
    WrongChecksum {
        /// Its SHA-256.
        found: String,
        /// The SHA-256 published.
        expected: String,
    },
    /// It does not hold the data: it is a web page, or cannot be read.
    #[error("{what}")]
    NotData {
        /// What it is, or what is wrong with it.
        what: String,
    },
    /// Its labels are no classes or come in another order.
    #[error("{cause}")]
    WrongLabels {
        /// What is wrong with them.
        cause: String,
    },
}

impl FileState {
    /// The state of a file without a published checksum, by its labels.
    pub(super) fn of_labels(published: Published, part: Part, labels: &[u32]) -> Self {
        match check_order(published, part, labels) {
            Ok(()) => Self::NoChecksum,
            Err(error) => Self::WrongLabels {
                cause: error.to_string(),
            },
        }
    }

    /// Whether nothing speaks against the file.
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
    fn reports_are_flat_json() {
        let state = FileState::WrongSize {
            found: 1,
            expected: 2,
        };
        let report = FileReport::new("a", Some(Path::new("b/a")), state);
        let expected = serde_json::json!({ "name": "a", "path": "b/a", "state": "wrong_size", "found": 1, "expected": 2 });
        assert_eq!(serde_json::to_value(&report).unwrap(), expected);
    }
}
