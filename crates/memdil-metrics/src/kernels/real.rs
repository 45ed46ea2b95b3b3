//! The element types of features and their vector registers.

use super::few_products::products;
use super::number::Number;
use super::tile::{TILE, add_tile};

mod sealed {
    use std::fmt::Debug;

    use super::{Number, TILE};

    /// Vector types of a floating-point type, and loops for their lengths.
    pub trait Sealed: Number {
        /// The contents of two 256-bit vector registers.
        type Lanes: Copy + Debug + Send + Sync + AsRef<[Self]> + AsMut<[Self]>;
        const WIDTH: usize;
        const ZEROS: Self::Lanes;
        /// The contents of one vector register.
        type Register: Copy + Debug + Send + Sync + AsRef<[Self]> + AsMut<[Self]>;
        const ZERO_REGISTER: Self::Register;

        /// [`add_tile`](super::add_tile) for all lanes of this type, or only the first half.
        fn add_tile<const HALF: bool, const FUSED: bool>(
            rows: [&[Self]; TILE],
            vectors: &[Self::Lanes],
            out: &mut [Self],
            stride: usize,
        );

        /// [`products`](super::products) for the registers of this type.
        fn products<T: Copy + Into<Self>, const N: usize, const FUSED: bool>(
            row: &[T],
            centre: (&[Self], &[Self]),
            vectors: &[Self::Register],
            rest: &[Self],
        ) -> [Self; N];
    }
}

/// An element type that the metrics accept: `f32` or `f64`.
pub trait Real: Copy + Into<f64> + sealed::Sealed {}

macro_rules! real {
    ($type:ident, $width:literal) => {
        impl sealed::Sealed for $type {
            type Lanes = [$type; $width];
            const WIDTH: usize = $width;
            const ZEROS: Self::Lanes = [0.0; $width];
            type Register = [$type; $width / 2];
            const ZERO_REGISTER: Self::Register = [0.0; $width / 2];

            #[inline(always)]
            fn add_tile<const HALF: bool, const FUSED: bool>(
                rows: [&[Self]; TILE],
                vectors: &[Self::Lanes],
                out: &mut [Self],
                stride: usize,
            ) {
                if HALF {
                    add_tile::<Self, $width, { $width / 2 }, FUSED>(rows, vectors, out, stride);
                } else {
                    add_tile::<Self, $width, $width, FUSED>(rows, vectors, out, stride);
                }
            }

            #[inline(always)]
            fn products<T: Copy + Into<Self>, const N: usize, const FUSED: bool>(
                row: &[T],
                centre: (&[Self], &[Self]),
                vectors: &[Self::Register],
                rest: &[Self],
            ) -> [Self; N] {
                products::<T, Self, { $width / 2 }, N, FUSED>(row, centre, vectors, rest)
            }
        }

        impl Real for $type {}
    };
}
real!(f32, 16);
real!(f64, 8);
