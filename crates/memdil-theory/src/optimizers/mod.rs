//! Minimisers of smooth functions with lower bounds: for few variables and for many.

pub mod lbfgs;
pub(crate) mod newton;
