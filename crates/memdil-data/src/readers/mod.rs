//! Readers that convert files to images and labels.
//!
//! | module | data sets |
//! | --- | --- |
//! | [`idx`] | MNIST and Fashion-MNIST |
//! | [`embedded`] | the subset of Fashion-MNIST embedded in this crate |
//! | [`cifar`] | CIFAR-10 and CIFAR-100, in the binary or the Python version |
//! | [`svhn`] | SVHN's cropped digits |
//! | [`npz`] | the user's own images |

pub mod cifar;
pub(crate) mod embedded;
pub mod idx;
pub mod npz;
pub mod svhn;
