//! Minimisers of smooth functions with lower bounds, for few and for many variables.

pub mod lbfgs;
pub(crate) mod newton;
