//! The error of this crate, and the checks of lengths and sizes.

/// An error of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A size is too small, zero in most cases.
    #[error("{name} = {value}: must be at least {least}")]
    Size {
        /// Name of the size.
        name: &'static str,
        /// Its value.
        value: usize,
        /// The smallest valid value.
        least: usize,
    },
    /// Instructions that this processor does not have.
    #[error("this processor does not support {0} instructions; use Instructions::detect")]
    Instructions(&'static str),
    /// Winograd's algorithm does not compute this convolution.
    #[error(
        "kernel {kernel}, stride {stride}: must be 3 and 1 for Winograd's algorithm; use Algorithm::Direct"
    )]
    Algorithm {
        /// Rows and columns of the kernel.
        kernel: usize,
        /// Stride of the kernel.
        stride: usize,
    },
    /// A slice has the wrong length.
    #[error("{name}: {found} values, expected {expected}")]
    Length {
        /// Name of the argument.
        name: String,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
    },
    /// The values are not a whole, positive number of samples.
    #[error("batch: {found} values, must be a positive multiple of {inputs}, the size of a sample")]
    Batch {
        /// Number of values.
        found: usize,
        /// Values per sample.
        inputs: usize,
    },
    /// Batch normalisation in training needs at least two samples.
    #[error("batch: one sample has no variance to normalise by; use two or more")]
    BatchOfOne,
    /// A backward pass without a preceding forward pass in training mode.
    #[error("backward: there is no forward pass to differentiate; call forward first")]
    NoForward,
    /// The network has no tensor of this name.
    #[error("tensor '{0}' does not exist; Mlp::tensors lists the names")]
    Unknown(String),
    /// The index of a sample or label is out of range.
    #[error("{name} {value}: must be less than {count}")]
    Index {
        /// Kind of index.
        name: &'static str,
        /// The index.
        value: usize,
        /// Number of valid indices, which start at 0.
        count: usize,
    },
    /// The GPU kernels do not implement this part.
    #[error("{0} is not supported on a GPU")]
    Unsupported(&'static str),
    /// A device does not exist or has failed.
    #[error("GPU: {0}")]
    Device(String),
}

/// Rejects a slice of the wrong length.
pub(crate) fn check_length<T>(
    name: &str,
    values: &[T],
    expected: usize,
) -> Result<(), KernelError> {
    let found = values.len();
    if found == expected {
        return Ok(());
    }
    Err(KernelError::Length {
        name: name.to_owned(),
        found,
        expected,
    })
}

/// Rejects sizes below their minimum, given as (name, value, minimum).
pub(crate) fn check_sizes(sizes: &[(&'static str, usize, usize)]) -> Result<(), KernelError> {
    match sizes.iter().find(|(_, value, least)| value < least) {
        Some(&(name, value, least)) => Err(KernelError::Size { name, value, least }),
        None => Ok(()),
    }
}

/// Rejects values that are not one or more whole samples of `inputs` values.
pub(crate) fn check_batch<T>(values: &[T], inputs: usize) -> Result<(), KernelError> {
    let found = values.len();
    if found > 0 && inputs > 0 && found.is_multiple_of(inputs) {
        return Ok(());
    }
    Err(KernelError::Batch { found, inputs })
}
