//! The known data sets: their names, files and checksums, and the folders searched for the files.
//!
//! | module | content |
//! | --- | --- |
//! | [`source`] | the data sets that a configuration can name, and their classes |
//! | [`Published`] | published files, sizes, checksums, addresses and first labels |
//! | [`files`] | finding the files to read |
//! | [`places`] | the folders of published files, and the download folder |
//! | [`verify`] | comparing files with the published ones |
//! | `fetch`, `hub` | downloading the files (features `fetch` and `hub`) |

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
