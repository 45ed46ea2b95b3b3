//! Sweeps: worker processes for the runs of a manifest, with progress, status and time estimates.

pub(crate) mod estimate;
pub(crate) mod manifest;
pub(crate) mod options;
pub(crate) mod progress;
pub(crate) mod status;
pub(crate) mod worker;
