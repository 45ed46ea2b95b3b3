//! Networks of the memorization-dilation experiments, on candle.
//!
//! A [`Model`] maps a batch to [`Output`]: the logits, and the penultimate features that the
//! metrics measure. [`Mlp`], [`ResNet`] and [`Vgg`] implement it, and so can your own networks.
//! [`UnconstrainedFeatures`] has no input: its features are variables, as in the layer-peeled
//! model. The caller passes the random generator for the initialisation, because candle's own
//! cannot be seeded on the CPU.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use memdil_models::{Mlp, MlpShape, MlpVariant, Model};
//! use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
//!
//! let shape = MlpShape { inputs: 784, depth: 4, width: 64, features: 2, classes: 2 };
//! let network = Mlp::new(shape, MlpVariant::default(), &mut ChaCha8Rng::seed_from_u64(1), DType::F32, &Device::Cpu)?;
//! let images = Tensor::zeros((8, 784), DType::F32, &Device::Cpu)?;
//! let output = network.forward(&images, false)?;
//! assert_eq!(output.features.dims(), [8, 2]);
//! assert_eq!(output.logits.dims(), [8, 2]);
//! # Ok::<(), candle_core::Error>(())
//! ```

mod etf;
mod layers;
mod mlp;
mod model;
mod norm;
mod resnet;
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
