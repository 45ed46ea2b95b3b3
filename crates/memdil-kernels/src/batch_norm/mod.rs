//! Batch normalisation of channels, with what follows it in a convolutional network, and its
//! gradient.

mod gradient;
mod moments;
mod normalize;

pub use gradient::{NormGradient, normalize_gradient};
pub(crate) use moments::EPSILON;
pub use moments::{ChannelMoments, moments};
pub use normalize::{Epilogue, normalize};
