//! The parts of a claim's declaration: conditions, quantities, scales and settings.

pub(crate) mod conditions;
pub(crate) mod effect;
pub(crate) mod quantity;
pub(crate) mod settings;
