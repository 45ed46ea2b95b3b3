//! What comes in: element types, and the checks that every function makes on its arguments.

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::MetricsError;

mod sealed {
    use std::fmt::Debug;
    use std::ops::{Add, Mul, Sub};

    use crate::kernels::{TILE, add_tile, products};

    /// What the inner loops need of a floating-point type.
    pub trait Sealed:
        Debug
        + Default
        + Send
        + Sync
        + Add<Output = Self>
        + Sub<Output = Self>
        + Mul<Output = Self>
        + Sized
    {
        /// As many numbers as two vector registers of 256 bits hold.
        type Lanes: Copy + Debug + Send + Sync + AsRef<[Self]> + AsMut<[Self]>;
        const WIDTH: usize;
        /// As many numbers as one vector register holds.
        type Register: Copy + Debug + Send + Sync + AsRef<[Self]> + AsMut<[Self]>;
        const ZERO_REGISTER: Self::Register;
        const ZEROS: Self::Lanes;
        const ZERO: Self;
        /// Distance from 1 to the next number.
        const EPSILON: f64;
        fn from_f64(value: f64) -> Self;
        /// [`add_tile`](crate::kernels::add_tile) for this type's lanes.
        fn add_tile<const FUSED: bool>(
            rows: [&[Self]; TILE],
            vectors: &[Self::Lanes],
            out: &mut [Self],
            stride: usize,
        );
        /// The same for the first half of the lanes.
        fn add_half_tile<const FUSED: bool>(
            rows: [&[Self]; TILE],
            vectors: &[Self::Lanes],
            out: &mut [Self],
            stride: usize,
        );
        /// [`products`](crate::kernels::products) for this type's registers.
        fn products<T: super::Real + Into<Self>, const N: usize, const FUSED: bool>(
            row: &[T],
            centre: (&[Self], &[Self]),
            vectors: &[Self::Register],
            rest: &[Self],
        ) -> [Self; N];
        fn mul_add(self, factor: Self, summand: Self) -> Self;
    }

    pub trait Integer {
        fn wide(self) -> i128;
    }

    macro_rules! real {
        ($type:ident, $width:literal) => {
            impl Sealed for $type {
                type Lanes = [$type; $width];
                const WIDTH: usize = $width;
                type Register = [$type; $width / 2];
                const ZERO_REGISTER: Self::Register = [0.0; $width / 2];
                const ZEROS: Self::Lanes = [0.0; $width];
                const ZERO: Self = 0.0;
                const EPSILON: f64 = $type::EPSILON as f64;

                #[inline(always)]
                fn from_f64(value: f64) -> Self {
                    value as $type
                }

                #[inline(always)]
                fn add_tile<const FUSED: bool>(
                    rows: [&[Self]; TILE],
                    vectors: &[Self::Lanes],
                    out: &mut [Self],
                    stride: usize,
                ) {
                    add_tile::<Self, $width, $width, FUSED>(rows, vectors, out, stride);
                }

                #[inline(always)]
                fn add_half_tile<const FUSED: bool>(
                    rows: [&[Self]; TILE],
                    vectors: &[Self::Lanes],
                    out: &mut [Self],
                    stride: usize,
                ) {
                    add_tile::<Self, $width, { $width / 2 }, FUSED>(rows, vectors, out, stride);
                }

                #[inline(always)]
                fn products<T: super::Real + Into<Self>, const N: usize, const FUSED: bool>(
                    row: &[T],
                    centre: (&[Self], &[Self]),
                    vectors: &[Self::Register],
                    rest: &[Self],
                ) -> [Self; N] {
                    products::<T, Self, { $width / 2 }, N, FUSED>(row, centre, vectors, rest)
                }

                #[inline(always)]
                fn mul_add(self, factor: Self, summand: Self) -> Self {
                    $type::mul_add(self, factor, summand)
                }
            }
        };
    }
    real!(f32, 16);
    real!(f64, 8);
}

/// An element type that the metrics accept: `f32` or `f64`.
pub trait Real: Copy + Into<f64> + sealed::Sealed {}

impl Real for f32 {}
impl Real for f64 {}

/// An integer type that labels may have: `u8` to `u64`, `usize`, `i8` to `i64`. Negative labels are
/// refused.
pub trait Label: Copy + Eq + Send + Sync + sealed::Integer {}

macro_rules! label {
    ($($type:ident)*) => {$(
        impl sealed::Integer for $type {
            #[inline(always)]
            fn wide(self) -> i128 {
                self as i128
            }
        }
        impl Label for $type {}
    )*};
}
label!(u8 u16 u32 u64 usize i8 i16 i32 i64);

/// The class of a label that [`check_labels`] has passed.
#[inline(always)]
pub(crate) fn class<L: Label>(label: L) -> usize {
    label.wide() as usize
}

/// The first row that holds a NaN or an infinity.
pub(crate) fn non_finite_row<T: Real>(matrix: ArrayView2<'_, T>) -> Option<usize> {
    matrix
        .rows()
        .into_iter()
        .position(|row| row.iter().any(|&value| !value.into().is_finite()))
}

/// A finite `f64` copy, for matrices of the size of a classifier.
pub(crate) fn to_f64<T: Real>(
    matrix: ArrayView2<'_, T>,
    array: &'static str,
) -> Result<Array2<f64>, MetricsError> {
    if let Some(row) = non_finite_row(matrix) {
        return Err(MetricsError::NonFinite { array, row });
    }
    Ok(matrix.mapv(Into::into))
}

/// A finite `f64` copy of a vector.
pub(crate) fn vector_to_f64<T: Real>(
    vector: ArrayView1<'_, T>,
    array: &'static str,
) -> Result<Vec<f64>, MetricsError> {
    let values: Vec<f64> = vector.iter().map(|&value| value.into()).collect();
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(MetricsError::NonFinite { array, row }),
        None => Ok(values),
    }
}

pub(crate) fn check_two_classes(classes: usize) -> Result<(), MetricsError> {
    if classes < 2 {
        Err(MetricsError::TooFewClasses { classes })
    } else {
        Ok(())
    }
}

pub(crate) fn check_samples(array: &'static str, rows: usize) -> Result<(), MetricsError> {
    if rows == 0 {
        Err(MetricsError::NoSamples { array })
    } else {
        Ok(())
    }
}

/// One label per row of `reference`, each in `0..classes`.
pub(crate) fn check_labels<L: Label>(
    array: &'static str,
    labels: &[L],
    reference: &'static str,
    rows: usize,
    classes: usize,
) -> Result<(), MetricsError> {
    check_length(array, "entries", labels.len(), reference, rows)?;
    match labels
        .iter()
        .position(|label| !(0..classes as i128).contains(&label.wide()))
    {
        Some(row) => Err(MetricsError::LabelOutOfRange {
            array,
            row,
            label: labels[row].wide(),
            classes,
        }),
        None => Ok(()),
    }
}

pub(crate) fn check_length(
    array: &'static str,
    unit: &'static str,
    found: usize,
    reference: &'static str,
    expected: usize,
) -> Result<(), MetricsError> {
    if found == expected {
        Ok(())
    } else {
        Err(MetricsError::LengthMismatch {
            array,
            unit,
            found,
            reference,
            expected,
        })
    }
}

/// The first class in `0..classes` that no sample belongs to.
///
/// Of `n` samples at most `n` classes can be filled, so `n + 1` counters settle the question
/// however large `classes` is: a mistyped number of classes costs an error, not memory.
pub(crate) fn first_empty_class(
    samples: impl ExactSizeIterator<Item = Option<usize>>,
    classes: usize,
) -> Option<usize> {
    let mut seen = vec![false; classes.min(samples.len() + 1)];
    for class in samples.flatten() {
        if let Some(slot) = seen.get_mut(class) {
            *slot = true;
        }
    }
    seen.iter().position(|&filled| !filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_empty_class_is_found_without_a_counter_per_class() {
        let some = |labels: &'static [usize]| labels.iter().map(|&label| Some(label));
        assert_eq!(first_empty_class(some(&[0, 2, 1]), 3), None);
        assert_eq!(first_empty_class(some(&[0, 2, 0]), 3), Some(1));
        assert_eq!(first_empty_class(some(&[0, 1]), usize::MAX), Some(2));
        assert_eq!(first_empty_class([Some(0), None].into_iter(), 2), Some(1));
    }
}
