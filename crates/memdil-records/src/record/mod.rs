//! Records: the results of runs and searches.

pub(crate) mod epoch;
pub(crate) mod layer;
pub(crate) mod layer_peeled;
pub(crate) mod quantity;
pub(crate) mod run;
pub(crate) mod samples;
pub(crate) mod search;
pub(crate) mod snapshot;
pub(crate) mod tensorboard;
pub(crate) mod undefined;
