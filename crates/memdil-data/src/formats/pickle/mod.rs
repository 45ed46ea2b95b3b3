//! A safe reader for pickles, Python's format for saved objects.
//!
//! A pickle is a program for a stack machine that may call any Python function. This reader only
//! builds plain values and NumPy arrays and does not call anything: it accepts the few names that
//! NumPy and Python themselves write (module `symbol`) and rejects any other name or instruction.
//! It supports protocols 0 to 5, as written by Python 2 and 3 and NumPy 1 and 2.
//!
//! Values are stored in one vector and refer to each other by index. So neither reading nor
//! dropping recurses, a value with a thousand references is stored once, and a list may contain
//! itself. The memory for values is limited in proportion to the file size (see [`machine`]).

mod build;
mod element;
mod literals;
mod machine;
mod node;
mod read;
mod symbol;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use read::read;
pub(crate) use value::{Items, Value};

/// Whether a file may be a pickle by its first bytes: protocols 2 and later have a header, and a
/// dictionary of protocol 0 or 1 begins with one of two other instructions.
///
/// A binary file of CIFAR cannot begin like this, since its first byte is a class below 20.
pub(crate) fn may_be_pickle(start: &[u8]) -> bool {
    has_header(start) || matches!(start, [b'(', b'd', b'p', ..] | [b'}', b'q', ..])
}

/// Whether a file begins with the header of a pickle of protocol 2 or later.
pub(crate) fn has_header(start: &[u8]) -> bool {
    matches!(start, [0x80, 2..=5, ..])
}
