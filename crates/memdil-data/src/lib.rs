//! Images and labels for research on neural collapse under label noise.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`spec`] | [`DataSpec`]: what a configuration says about the data |
//! | [`catalogue`] | the known data sets, in the following modules |
//! | [`source`] | [`Source`]: the data sets, their classes, sizes and constants |
//! | [`files`], [`places`] | where their files are looked for |
//! | [`verify`] | checking them against what is published |
//! | `fetch` | downloading them (feature `fetch`, off by default) |
//! | `hub` | MNIST and Fashion-MNIST from the Hugging Face hub (feature `hub`, off by default) |
//! | [`idx`], [`cifar`], [`svhn`], [`npz`] | readers, one per format of images |
//! | [`arrays`] | arrays and labels in `.npy`, `.npz`, `.safetensors` and text files |
//! | [`images`] | [`Images`], [`Split`], [`Dataset`] |
//! | [`inputs`] | [`Inputs`]: bytes to normalised batches |
//! | [`augment`] | random crops and flips |
//! | [`random`] | one ChaCha stream per purpose, and draws whose values never change |
//! | [`statistics`] | mean and deviation of images |
//! | [`subset`] | class-balanced parts as files of their own |
//! | [`split`] | holding out a validation set |
//! | [`noise`] | [`LabelNoise`]: corrupting labels and keeping track of it |
//!
//! # A tour
//!
//! Two classes of the embedded images, a fifth held out, label noise on all of it, one batch:
//!
//! ```
//! # #[cfg(feature = "embedded")] {
//! use memdil_data::split::validation_split;
//! use memdil_data::{DataSpec, Input, Inputs, LabelNoise, Source, load};
//!
//! let mut spec = DataSpec::new(Source::FashionMnistEmbedded);
//! spec.classes = vec![0, 1];
//! spec.input = Input::Authors;
//! spec.validation = 0.2;
//! let data = load(&spec, &[])?;
//! assert_eq!(data.train.labels.len(), 1200);
//!
//! let noisy = LabelNoise::Uniform { eta: 0.2, exact_count: false }.inject(&data.train.labels, data.classes(), 42)?;
//! assert!((noisy.realised() - 0.1).abs() < 0.05); // half of the labels drawn anew are right by chance
//!
//! let (train, validation) = validation_split(noisy.observed().len(), spec.validation, 42)?;
//! assert_eq!((train.len(), validation.len()), (960, 240));
//!
//! let inputs = Inputs::new(data.train.images, &data.mean, &data.std, spec.input)?;
//! let batch = inputs.batch(&train[..16]);
//! assert_eq!((inputs.shape(), batch.len()), ((3, 32, 32), 16 * 3072));
//! # }
//! # Ok::<(), memdil_data::DataError>(())
//! ```
//!
//! # The embedded images
//!
//! The feature `embedded` (on by default) puts the first 600 training and 100 test images of each
//! class of Fashion-MNIST into the crate. They are Copyright (c) 2017 Zalando SE, under the MIT
//! licence that lies beside them in `assets/LICENSE`.

pub mod augment;
pub mod catalogue;
mod error;
mod formats;
pub mod images;
pub mod inputs;
mod labels;
mod load;
pub mod noise;
pub mod random;
mod readers;
mod resize;
pub mod spec;
pub mod split;
pub mod statistics;
pub mod subset;

#[cfg(feature = "fetch")]
pub use catalogue::fetch;
#[cfg(feature = "hub")]
pub use catalogue::hub;
pub use catalogue::{files, places, source, verify};
pub use formats::arrays;
pub use readers::{cifar, idx, npz, svhn};

pub use augment::Augmentation;
pub use catalogue::source::Source;
pub use error::{DataError, NoiseError};
pub use images::{Dataset, Images, Pixels, Split};
pub use inputs::{Inputs, StoredInputs};
pub use load::load;
pub use noise::{LabelNoise, NoisyLabels};
pub use spec::{DataSpec, Input};
