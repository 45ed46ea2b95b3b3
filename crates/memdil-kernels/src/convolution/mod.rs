//! Convolution of images and both of its gradients, as products of matrices whose rows are gathered
//! on the way.
//!
//! A product for every tap of the kernel, summed in registers: what im2col would write to memory is
//! read where it is. Rows are sorted by the taps that fall on the padding, so that whole tiles
//! leave such taps out.

mod compiled;
mod correlate;
mod gather;
mod packed;
mod passes;
mod plan;
mod sizes;
mod weight_gradient;

pub use compiled::ConvolutionElement;
pub use sizes::Convolution;
