//! The runs behind a claim: as planned, and as finished.

pub(crate) mod finished;
pub(crate) mod no_value;
pub(crate) mod planned;
