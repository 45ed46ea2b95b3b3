//! Specifications: the settings that determine the results of a run, a search or an experiment.

pub(crate) mod layer_peeled;
pub(crate) mod model;
pub(crate) mod optimizer;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod search;
