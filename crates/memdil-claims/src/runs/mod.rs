//! The planned and the finished runs of a claim.

pub(crate) mod finished;
pub(crate) mod no_value;
pub(crate) mod planned;
