//! Subtraction of points from rows.

use std::ops::Range;

use super::number::Number;
use super::rows::Rows;

/// Points to subtract from rows. Each coordinate is a sum of two numbers; subtracting them in
/// sequence keeps digits that a single number of the type would lose.
#[derive(Clone, Debug)]
pub(crate) struct Centre<C> {
    dim: usize,
    high: Vec<C>,
    low: Vec<C>,
}

impl<C: Number> Centre<C> {
    /// Creates points from the sums of (base, offset), as accurately as two numbers of type `C`
    /// allow.
    pub(crate) fn new(dim: usize, points: impl Iterator<Item = (f64, f64)>) -> Self {
        let (high, low) = points
            .map(|(base, offset)| {
                let sum = base + offset;
                let high = C::from_f64(sum);
                let wide: f64 = high.into();
                // The rounding errors of the sum and of `high` (Knuth's two-sum).
                let part = sum - base;
                let lost = (base - (sum - part)) + (offset - part);
                (high, C::from_f64((sum - wide) + lost))
            })
            .unzip();
        Self { dim, high, low }
    }
}

/// A range of rows, from each of which one of the points is subtracted.
pub(crate) struct Centred<'a, 'r, T, C, F> {
    pub(crate) rows: Rows<'r, T>,
    pub(crate) range: Range<usize>,
    /// The index of the point that belongs to a row.
    pub(crate) centre_of: F,
    pub(crate) centres: &'a Centre<C>,
}

impl<T, C, F: Fn(usize) -> usize> Centred<'_, '_, T, C, F> {
    /// Both parts of the point that belongs to a row, for `depth` features from `start`.
    #[inline(always)]
    pub(super) fn point(&self, row: usize, start: usize, depth: usize) -> (&[C], &[C]) {
        let from = (self.centre_of)(row) * self.centres.dim + start;
        let Centre { high, low, .. } = self.centres;
        (&high[from..][..depth], &low[from..][..depth])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres_exceed_the_precision_of_their_type() {
        let centre = Centre::<f32>::new(1, [(100.0, 1e-6)].into_iter());
        let left = (100.000_01_f32 - centre.high[0]) - centre.low[0];
        assert!((f64::from(left) - (f64::from(100.000_01_f32) - 100.000_001)).abs() < 1e-12);
        let centre = Centre::<f64>::new(1, [(1.0, 1e-20)].into_iter());
        assert!((centre.low[0] - 1e-20).abs() < 1e-34);
    }
}
