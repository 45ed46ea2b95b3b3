//! CIFAR-10 and CIFAR-100 in the binary or the Python version, as plain files or in an archive.
//!
//! A file of the binary version is a sequence of records. A record holds one label (CIFAR-10), or a
//! coarse and a fine label (CIFAR-100), each a byte, and then the red, green and blue planes of 32
//! x 32 bytes (Krizhevsky 2009). A file of the Python version is a pickled dictionary with the same
//! labels and planes; it is parsed without running Python code. The version is detected from the
//! content, not from the name, and both versions yield the same images in the same order.

mod labels;
mod python;
mod read;
mod records;

pub use labels::{CIFAR_10, CIFAR_100, Labels};
pub use read::{parse_archive, parse_records, read};
