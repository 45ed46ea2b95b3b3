//! Holding out a validation set.

use crate::error::DataError;
use crate::random::{Stream, shuffle, stream};

/// Splits the indices 0..n at random into training and validation indices, both in ascending order.
///
/// The number of validation samples is $\mathrm{round}(\text{fraction} \cdot n)$. The same seed
/// yields the same split for any label noise, and a larger fraction holds out a superset.
///
/// # Shapes
/// Each index in 0..n is in exactly one of the two lists.
///
/// # Errors
/// [`DataError::OutOfRange`] if `fraction` is outside [0, 1), or [`DataError::EmptySplit`] if no
/// training samples would be left.
///
/// ```
/// let (train, validation) = memdil_data::split::validation_split(10, 0.2, 42)?;
/// assert_eq!((train.len(), validation.len()), (8, 2));
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn validation_split(
    n: usize,
    fraction: f64,
    seed: u64,
) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    check_fraction(fraction)?;
    let held_out = (fraction * n as f64).round() as usize;
    if held_out >= n {
        return Err(DataError::EmptySplit { fraction, n });
    }
    let mut train: Vec<usize> = (0..n).collect();
    shuffle(&mut stream(seed, Stream::Split), &mut train);
    let mut validation = train.split_off(n - held_out);
    train.sort_unstable();
    validation.sort_unstable();
    Ok((train, validation))
}

/// Returns an error if the fraction is outside [0, 1).
pub(crate) fn check_fraction(fraction: f64) -> Result<(), DataError> {
    let fits = (0.0..1.0).contains(&fraction);
    DataError::check_range("validation", fraction, "must be in [0, 1)", fits)
}
