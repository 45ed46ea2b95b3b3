//! Downloading published files (feature `fetch`).
//!
//! A file is downloaded as `<file>.part` and renamed only after its SHA-256 has been verified. An
//! interrupted download resumes if the server supports it.

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
