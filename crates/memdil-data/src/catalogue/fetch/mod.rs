//! Downloading published files (feature `fetch`).
//!
//! A file grows as `<file>.part` beside its place and gets its name only after its SHA-256 has been
//! compared. What an interrupted download left is continued where the server allows it.

mod download;
mod event;
mod folder;
mod options;
mod transfer;

pub use download::{fetch, fetch_files};
pub use event::FetchEvent;
#[cfg(feature = "hub")]
pub(crate) use folder::{lock, put_in_place, set_aside};
pub use options::FetchOptions;
