//! Pickles, the format in which Python saves objects, as plain values.
//!
//! A pickle is a program for a stack machine that may call any Python function. This reader builds
//! plain values and NumPy arrays only and calls nothing: a name in the file is compared with the
//! few that NumPy and Python themselves write (module `symbol`), and any other name or instruction
//! is refused. Protocols 0 to 5 are read, as Python 2 and 3 and NumPy 1 and 2 write them.
//!
//! Values lie in one vector and refer to each other by index, so neither reading nor dropping
//! recurses, a value that the file uses a thousand times is there once, and a list may even hold
//! itself. What the values take is limited by the size of the file (see [`machine`]).

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

/// Whether a file may be a pickle by its first bytes: protocol 2 or later says so, and a dictionary
/// of protocol 0 or 1 begins with one of two other instructions.
///
/// No binary file of CIFAR begins like this, since its first byte is a class below 20.
pub(crate) fn may_begin(start: &[u8]) -> bool {
    begins(start) || matches!(start, [b'(', b'd', b'p', ..] | [b'}', b'q', ..])
}

/// Whether a file begins as a pickle of protocol 2 or later.
pub(crate) fn begins(start: &[u8]) -> bool {
    matches!(start, [0x80, 2..=5, ..])
}
