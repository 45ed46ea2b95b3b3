#![doc = include_str!("../README.md")]
//!
//! ## Main items
//!
//! [`Model`], [`Output`], [`Mlp`], [`ResNet`], [`Vgg`], [`UnconstrainedFeatures`]

mod etf;
mod layers;
mod mlp;
mod model;
mod norm;
mod resnet;
mod trunk;
mod unconstrained;
mod vgg;

pub use etf::simplex_etf;
pub use layers::ImageShape;
pub use memdil_kernels::{Activation, Norm};
pub use mlp::{Classifier, Mlp, MlpShape, MlpVariant};
pub use model::{Model, Output, Variables};
pub use resnet::{ResNet, ResNetDepth, ResNetShape};
pub use unconstrained::{FeatureShape, UnconstrainedFeatures};
pub use vgg::{Vgg, VggDepth, VggShape};
