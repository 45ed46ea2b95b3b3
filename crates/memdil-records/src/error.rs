//! Errors of specifications and records.

use std::io;
use std::path::{Path, PathBuf};

/// An invalid specification, or a file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A setting outside its range.
    #[error("{name} = {value}: must be {range}")]
    OutOfRange {
        /// The dotted name of the setting, as in the TOML file.
        name: &'static str,
        /// The offending value.
        value: String,
        /// The allowed values, in words that follow "must be".
        range: &'static str,
    },
    /// An invalid setting in the space of a hyper-parameter search.
    #[error("search.space: '{name}': {reason}")]
    Space {
        /// The dotted name of the setting.
        name: String,
        /// The reason why it is invalid.
        reason: String,
    },
    /// An invalid data setting.
    #[error(transparent)]
    Data(#[from] memdil_data::DataError),
    /// An invalid loss parameter.
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
    /// A file whose content is invalid.
    #[error("{}{}: {reason}", path.display(), line.map(|l| format!(" line {l}")).unwrap_or_default())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from one, if the fault is in a single line.
        line: Option<usize>,
        /// The reason why the content is invalid, and the remedy.
        reason: String,
    },
}

impl RecordError {
    /// True if the user's input (settings, files) is the cause, false for a failure of the machine.
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

    /// An invalid file, or an invalid line with this index, counted from zero.
    pub(crate) fn malformed(path: &Path, index: Option<usize>, reason: String) -> Self {
        let (path, line) = (path.to_owned(), index.map(|index| index + 1));
        Self::Malformed { path, line, reason }
    }
}
