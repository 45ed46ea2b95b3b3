//! Hyper-parameter search: short runs with sampled settings, then the best one in full on all
//! training data.
//!
//! Trials and retrained runs are made by [`run_all`](crate::run_all), so a search is stopped and
//! resumed as a sweep is.

mod history;
pub(crate) mod plan;
mod progress;
pub(crate) mod rounds;
pub(crate) mod sampler;
