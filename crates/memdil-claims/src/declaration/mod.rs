//! Claims as an experiment file declares them.

pub(crate) mod conditions;
pub(crate) mod effect;
pub(crate) mod quantity;
pub(crate) mod settings;
