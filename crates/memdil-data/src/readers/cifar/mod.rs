//! CIFAR-10 and CIFAR-100 in their binary version or that for Python, as plain files or in their
//! archive.
//!
//! A file of the binary version is records one after another: one label (CIFAR-10), or a coarse and
//! a fine one (CIFAR-100), each a byte, then the red, the green and the blue plane of 32 x 32 bytes
//! (Krizhevsky 2009). A file of the version for Python is a pickled dictionary with the same
//! labels and planes; it is read without Python and calls nothing. The version is detected
//! from the content, not from the name, and both give the same images in the same order.

mod labels;
mod python;
mod read;
mod records;

pub use labels::{CIFAR_10, CIFAR_100, Labels};
pub use read::{parse_archive, parse_records, read};
