//! The integration tests of memdil-data, in a single binary to reduce link time.
#![allow(clippy::float_cmp, clippy::unwrap_used)]

mod arrays;
mod cifar;
mod cifar_python;
mod common;
#[cfg(feature = "embedded")]
mod embedded;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(feature = "fetch")]
mod fetch_folder;
#[cfg(feature = "hub")]
mod hub;
mod idx;
mod imbalance;
mod inputs;
mod load;
mod mutations;
mod noise;
mod noise_files;
#[cfg(feature = "embedded")]
mod noise_instance;
mod noise_kinds;
mod noise_maps;
mod noise_pickled;
mod npz;
mod other_forms;
mod random;
mod remedies;
mod subset;
mod svhn;
mod verify;
