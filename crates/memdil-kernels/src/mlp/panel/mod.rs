//! Normalisation and activation of a block, one panel of units at a time, and their gradients.

mod gradient;
mod normalization;
mod pointers;

pub(super) use gradient::{activation_backward, batch_norm_backward, bias_gradient, norm_gradient};
pub(super) use normalization::{affine, batch_norm, layer_norm};
pub(super) use pointers::{BlockVectors, UnitPanel};
