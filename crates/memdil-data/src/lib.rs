#![cfg_attr(feature = "embedded", doc = include_str!("../README.md"))]
//!
//! ## Modules
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
//! | [`imbalance`] | [`Imbalance`]: training sets with unequal classes |
//! | [`images`] | [`Images`], [`Split`], [`Dataset`] |
//! | [`inputs`] | [`Inputs`]: conversion of pixels to normalised batches |
//! | [`augment`] | [`Augmentation`]: random crops and flips |
//! | [`noise`] | [`LabelNoise`], [`NoisyLabels`]: corrupting labels and recording the changes |
//! | [`split`] | holding out a validation set |
//! | [`subset`] | writing class-balanced subsets to files |
//! | [`statistics`] | mean and standard deviation of images |
//! | [`random`] | one ChaCha stream per purpose, and draws that are stable across versions |
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod augment;
pub mod catalogue;
mod error;
mod formats;
pub mod images;
pub mod imbalance;
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
pub use error::{DataError, ImbalancedAway, NoiseError};
pub use images::{Dataset, Images, Pixels, Split};
pub use imbalance::Imbalance;
pub use inputs::{Inputs, StoredInputs};
pub use load::load;
pub use noise::{LabelNoise, NoisyLabels};
pub use spec::{DataSpec, Input};
