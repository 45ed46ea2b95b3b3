//! Progress events of a download.

use std::path::Path;
use std::time::Duration;

/// An event during a download, for progress displays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchEvent<'a> {
    /// A correct file exists already.
    AlreadyThere {
        /// Name of the file.
        file: &'a str,
    },
    /// A file of this name existed but is not the published one; it was renamed.
    SetAside {
        /// Name of the file.
        file: &'a str,
        /// Its new path.
        path: &'a Path,
    },
    /// Another process is downloading into the folder; this one waits until it has finished.
    Waiting {
        /// The folder.
        folder: &'a Path,
    },
    /// Bytes have been received.
    Progress {
        /// Name of the file.
        file: &'a str,
        /// Bytes present so far.
        done: u64,
        /// Size of the whole file in bytes.
        total: u64,
        /// Bytes present before this attempt began.
        resumed: u64,
    },
    /// An attempt failed; unless it was the last one, another attempt follows.
    Failed {
        /// Name of the file.
        file: &'a str,
        /// The host.
        host: &'a str,
        /// The reason.
        cause: &'a str,
        /// The pause before the next attempt at this host; `None` if there is no further attempt.
        again_in: Option<Duration>,
    },
    /// The file is complete, verified and renamed to its final name.
    Done {
        /// Name of the file.
        file: &'a str,
    },
}
