//! What can go wrong with specifications and records.

use std::io;
use std::path::{Path, PathBuf};

/// A specification that makes no sense, or a file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A value outside its range.
    #[error("{name} = {value}: must be {range}")]
    OutOfRange {
        /// Dotted name of the setting, as in the TOML file.
        name: &'static str,
        /// The offending value.
        value: String,
        /// What is allowed.
        range: &'static str,
    },
    /// A setting in the space of a hyper-parameter search that makes no sense there.
    #[error("search.space: '{name}': {reason}")]
    Space {
        /// Dotted name of the setting.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A data setting that makes no sense.
    #[error(transparent)]
    Data(#[from] memdil_data::DataError),
    /// A loss parameter that makes no sense.
    #[error(transparent)]
    Loss(#[from] memdil_losses::LossError),
    /// A file that could not be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        cause: io::Error,
    },
    /// A file or folder that could not be written.
    #[error("cannot write {}: {cause}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        cause: io::Error,
    },
    /// A file whose content is not what its name says.
    #[error("{}{}: {reason}", path.display(), line.map(|l| format!(" line {l}")).unwrap_or_default())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, counted from one, where there is one.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
    },
}

impl RecordError {
    /// True when the cause is what the user gave (settings, files), false when the machine failed.
    pub fn is_bad_input(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match self {
            Self::Data(error) => error.is_bad_input(),
            Self::Write { cause, .. } => {
                !matches!(cause.kind(), StorageFull | QuotaExceeded | FileTooLarge)
            }
            Self::OutOfRange { .. }
            | Self::Space { .. }
            | Self::Loss(_)
            | Self::Read { .. }
            | Self::Malformed { .. } => true,
        }
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Read { path, cause }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Write { path, cause }
    }

    /// A file that is wrong, as a whole or in the line of this index, counted from zero.
    pub(crate) fn malformed(path: &Path, index: Option<usize>, reason: String) -> Self {
        let (path, line) = (path.to_owned(), index.map(|index| index + 1));
        Self::Malformed { path, line, reason }
    }
}
