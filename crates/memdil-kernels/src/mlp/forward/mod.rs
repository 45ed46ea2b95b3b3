//! From a batch to logits.

mod layer_norm;
mod pass;
mod products;

pub(super) use products::SMALL;
