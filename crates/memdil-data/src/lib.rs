//! Images and labels for research on neural collapse under label noise.
//!
//! [`load`](load()) reads the data set that a [`DataSpec`] describes. Errors are reported as
//! [`DataError`].
//!
//! | module | content |
//! | --- | --- |
//! | [`spec`] | [`DataSpec`]: the data settings of a configuration |
//! | [`catalogue`] | the known data sets; the crate root re-exports the following modules of it |
//! | [`catalogue::source`] | [`Source`]: data sets with their classes, image sizes and normalisation |
//! | [`catalogue::files`], [`catalogue::places`] | finding the files of a data set |
//! | [`catalogue::verify`] | checking files against published sizes and checksums |
//! | `catalogue::fetch` | downloading files (feature `fetch`, off by default) |
//! | `catalogue::hub` | MNIST and Fashion-MNIST from the Hugging Face hub (feature `hub`, off by default) |
//! | [`idx`], [`cifar`], [`svhn`], [`npz`] | readers, one per image format |
//! | [`arrays`] | arrays and labels in `.npy`, `.npz`, `.safetensors` and text files |
//! | [`images`] | [`Images`], [`Split`], [`Dataset`] |
//! | [`inputs`] | [`Inputs`]: conversion of pixels to normalised batches |
//! | [`augment`] | [`Augmentation`]: random crops and flips |
//! | [`noise`] | [`LabelNoise`], [`NoisyLabels`]: corrupting labels and recording the changes |
//! | [`split`] | holding out a validation set |
//! | [`subset`] | writing class-balanced subsets to files |
//! | [`statistics`] | mean and standard deviation of images |
//! | [`random`] | one ChaCha stream per purpose, and draws that are stable across versions |
//!
//! # A tour
//!
//! Load two classes of the embedded images, add label noise, hold out a fifth for validation, and
//! normalise one batch:
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
//! assert!((noisy.realised() - 0.1).abs() < 0.05); // half of the redrawn labels keep their class
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
//! The feature `embedded` (on by default) includes the first 600 training and 100 test images of
//! each class of Fashion-MNIST in the crate. They are Copyright (c) 2017 Zalando SE and are
//! distributed under the MIT licence in `assets/LICENSE`.

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
