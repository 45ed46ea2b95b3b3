//! Many runs: a manifest, the processes that work through it, how far they are and how long they
//! will take.

pub(crate) mod estimate;
pub(crate) mod manifest;
pub(crate) mod options;
pub(crate) mod progress;
pub(crate) mod status;
pub(crate) mod worker;
