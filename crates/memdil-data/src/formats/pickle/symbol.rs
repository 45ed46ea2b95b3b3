//! The functions and classes whose names a pickle may contain.

/// A name that is read. None of them is called: [`reduce`](super::build::reduce) builds what Python would have got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    /// NumPy's empty array, which a later instruction fills.
    Reconstruct,
    /// NumPy's array of protocol 5.
    FromBuffer,
    /// NumPy's scalar.
    Scalar,
    NdArray,
    Dtype,
    /// Python 3 writes bytes as encoded text up to protocol 2.
    Encode,
    Bytes,
    ByteArray,
    OrderedDict,
}

impl Symbol {
    /// The name of a module and of something in it.
    ///
    /// # Errors
    /// Any other name, with what to do.
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
            _ => return Err(refuse(&format!("{module}.{name}"))),
        })
    }
}

/// The message for a name that is not read, cut to a length that fits a line.
pub(super) fn refuse(name: &str) -> String {
    let start: String = name.chars().take(100).collect();
    format!(
        "is a pickle that refers to `{}` of Python: only plain values and NumPy arrays are read; load it in Python and save its arrays with np.savez",
        start.escape_debug()
    )
}
