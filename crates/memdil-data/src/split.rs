//! Holding out a validation set.

use crate::error::DataError;
use crate::random::{Stream, shuffle, stream};

/// Splits the indices 0..n at random into those trained on and those held out, both ascending.
///
/// The number held out is $\mathrm{round}(\text{fraction} \cdot n)$. The same seed gives the same
/// split whatever the label noise is, and a larger fraction holds out a superset.
///
/// # Shapes
/// The two index lists together hold each of 0..n once.
///
/// # Errors
/// [`DataError::OutOfRange`] if `fraction` is outside [0, 1), [`DataError::EmptySplit`] if no
/// sample would be left to train on.
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

/// Refuses a fraction outside [0, 1).
pub(crate) fn check_fraction(fraction: f64) -> Result<(), DataError> {
    let fits = (0.0..1.0).contains(&fraction);
    DataError::check_range("validation", fraction, "0 <= validation < 1", fits)
}
