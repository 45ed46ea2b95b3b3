//! The forward pass, from a batch to its logits.

mod fill;
mod layer_norm;
mod pass;
mod products;
