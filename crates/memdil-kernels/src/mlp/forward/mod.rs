//! The forward pass, from a batch to its logits.

mod layer_norm;
mod pass;
mod products;

pub(super) use products::SMALL;
