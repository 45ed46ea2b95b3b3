//! The data sets that are known: their files, names and checksums, and where the files lie.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`source`] | the data sets that a configuration can name, and their classes |
//! | [`Published`] | files, sizes, checksums and addresses as published, and the first labels |
//! | [`files`] | where the readers look for the files |
//! | [`places`] | where the published files are looked for and downloaded to |
//! | [`verify`] | comparing files with the published ones |
//! | `fetch`, `hub` | downloading them (features `fetch` and `hub`) |

pub(crate) mod class_names;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod files;
#[cfg(feature = "hub")]
pub mod hub;
pub mod places;
mod published;
mod published_file;
pub mod source;
mod tables;
pub mod verify;

pub use published::{Part, Published, check_order};
pub use published_file::{PublishedFile, Unpacked};
