//! The names of functions and classes that a pickle may contain.

/// A supported name. The functions are never called; [`reduce`](super::build::reduce) builds the
/// value that Python would create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    /// Creates an empty NumPy array, which a later instruction fills.
    Reconstruct,
    /// Creates a NumPy array in protocol 5.
    FromBuffer,
    /// Creates a NumPy scalar.
    Scalar,
    NdArray,
    Dtype,
    /// Encodes a string: up to protocol 2, Python 3 writes bytes as text.
    Encode,
    Bytes,
    ByteArray,
    OrderedDict,
}

impl Symbol {
    /// Looks up the name of an item in a module.
    ///
    /// # Errors
    /// A message with a remedy for any other name.
    pub(super) fn find(module: &str, name: &str) -> Result<Self, String> {
        Ok(match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Self::Reconstruct
            }
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Self::Scalar,
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Self::FromBuffer,
            ("numpy", "ndarray") => Self::NdArray,
            ("numpy", "dtype") => Self::Dtype,
            ("_codecs", "encode") => Self::Encode,
            ("builtins" | "__builtin__", "bytes") => Self::Bytes,
            ("builtins" | "__builtin__", "bytearray") => Self::ByteArray,
            ("collections", "OrderedDict") => Self::OrderedDict,
            _ => return Err(refusal(&format!("{module}.{name}"))),
        })
    }
}

/// The message for an unsupported name, which is truncated to fit on a line.
pub(super) fn refusal(name: &str) -> String {
    let start: String = name.chars().take(100).collect();
    format!(
        "is a pickle that refers to Python's `{}`, but only plain values and NumPy arrays are read; load it in Python and save its arrays with np.savez",
        start.escape_debug()
    )
}
