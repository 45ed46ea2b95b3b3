//! Readers: from the bytes of a file, or of several, to images and labels.
//!
//! | module | data sets |
//! | --- | --- |
//! | [`idx`] | MNIST and Fashion-MNIST |
//! | [`embedded`] | the part of Fashion-MNIST inside this crate |
//! | [`cifar`] | CIFAR-10 and CIFAR-100, in the binary version or that for Python |
//! | [`svhn`] | SVHN's cropped digits |
//! | [`npz`] | a user's own images |

pub mod cifar;
pub(crate) mod embedded;
pub mod idx;
pub mod npz;
pub mod svhn;
