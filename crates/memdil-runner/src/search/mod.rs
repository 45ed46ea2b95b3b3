//! Hyper-parameter search: short trials with sampled settings, then a full run with the best
//! settings on all training data.
//!
//! [`run_all`](crate::run_all) runs the trials and the retrained runs, so a search can be
//! interrupted and resumed like a sweep.

mod history;
pub(crate) mod plan;
mod progress;
pub(crate) mod rounds;
pub(crate) mod sampler;
