//! What happens during a download.

use std::path::Path;
use std::time::Duration;

/// What happens during a download, for a display of its progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchEvent<'a> {
    /// The file was there before, and is right.
    AlreadyThere {
        /// Name of the file.
        file: &'a str,
    },
    /// A file of this name was there, but is not the published one: it is kept under another name.
    SetAside {
        /// Name of the file.
        file: &'a str,
        /// Where it is now.
        path: &'a Path,
    },
    /// Another process downloads into the folder: its end is waited for.
    Waiting {
        /// The folder.
        folder: &'a Path,
    },
    /// Bytes have come.
    Progress {
        /// Name of the file.
        file: &'a str,
        /// Bytes that are there.
        done: u64,
        /// Bytes of the whole file.
        total: u64,
        /// Bytes that were there before this attempt began.
        resumed: u64,
    },
    /// An attempt failed; another one follows unless this was the last one.
    Failed {
        /// Name of the file.
        file: &'a str,
        /// The host tried.
        host: &'a str,
        /// What went wrong.
        cause: &'a str,
        /// The pause before this host is tried again; none if it is not.
        again_in: Option<Duration>,
    },
    /// The file is complete, checked and in its place.
    Done {
        /// Name of the file.
        file: &'a str,
    },
}
