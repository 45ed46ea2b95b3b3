//! The error of this crate, and the checks of lengths and sizes.

/// An error of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A size of the network is zero, or there are too few units.
    #[error("a network with {name} = {value}: must be at least {least}")]
    Size {
        /// Which size.
        name: &'static str,
        /// Its value.
        value: usize,
        /// The smallest one that is possible.
        least: usize,
    },
    /// Instructions that this processor does not have.
    #[error("this processor has no {0} instructions; leave the choice to Instructions::detect")]
    Instructions(&'static str),
    /// A slice of another length than needed.
    #[error("{name}: {found} values, expected {expected}")]
    Length {
        /// Name of the argument.
        name: String,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
    },
    /// Values that are not a whole number of samples, one at least.
    #[error(
        "a batch of {found} values: must be a positive multiple of {inputs}, the values of a sample"
    )]
    Batch {
        /// Number of values.
        found: usize,
        /// Values of a sample.
        inputs: usize,
    },
    /// A single sample where its batch's variance is needed.
    #[error("a training batch of one sample has no variance to normalise by; take two or more")]
    BatchOfOne,
    /// A backward pass without the forward pass before it.
    #[error("backward without a training forward before it; call forward first")]
    NoForward,
    /// A name that the network has no tensor for.
    #[error("there is no tensor '{0}'; Mlp::tensors lists them")]
    Unknown(String),
    /// The number of a sample or label that does not exist.
    #[error("{name} {value}: there are {count}, counted from 0")]
    Index {
        /// Sample or label.
        name: &'static str,
        /// The number.
        value: usize,
        /// How many there are.
        count: usize,
    },
    /// A part that the device's step does not have.
    #[error("{0} is not computed on a GPU by these kernels")]
    Unsupported(&'static str),
    /// A device that does not exist, or has failed.
    #[error("GPU: {0}")]
    Device(String),
}

/// Refuses a slice of another length than needed.
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

/// Refuses sizes below their least value: name, value, least.
pub(crate) fn check_sizes(sizes: &[(&'static str, usize, usize)]) -> Result<(), KernelError> {
    match sizes.iter().find(|(_, value, least)| value < least) {
        Some(&(name, value, least)) => Err(KernelError::Size { name, value, least }),
        None => Ok(()),
    }
}

/// Refuses values that are not whole samples of `inputs` values, one at least.
pub(crate) fn check_batch<T>(values: &[T], inputs: usize) -> Result<(), KernelError> {
    let found = values.len();
    if found > 0 && inputs > 0 && found.is_multiple_of(inputs) {
        return Ok(());
    }
    Err(KernelError::Batch { found, inputs })
}
