//! Batch normalisation of channels, fused with the residual and ReLU that follow it, and its
//! gradient.

mod gradient;
mod moments;
mod normalize;

pub use gradient::{NormGradient, normalize_gradient};
pub(crate) use moments::EPSILON;
pub use moments::{ChannelMoments, moments};
pub use normalize::{Epilogue, normalize};
