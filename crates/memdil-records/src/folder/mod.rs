//! The files that hold specifications and records: how they are named, written, read and checked.

pub(crate) mod files;
pub(crate) mod find;
pub(crate) mod layer_peeled;
pub(crate) mod manifest;
mod metrics_check;
pub(crate) mod run;
pub(crate) mod search;
