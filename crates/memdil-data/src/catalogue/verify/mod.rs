//! Checking files against the published sizes and checksums.

mod checksum;
mod compare;
mod files;
mod other_form;
mod report;

pub use checksum::hex;
#[cfg(feature = "fetch")]
pub(crate) use checksum::sha256_of_file;
#[cfg(feature = "fetch")]
pub(crate) use compare::check_file;
pub use files::{verify, verify_files};
pub use report::{FileReport, FileState};
