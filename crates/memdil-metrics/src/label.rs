//! The element types of labels.

mod sealed {
    pub trait Integer {
        fn wide(self) -> i128;
    }
}

/// An integer type for labels: `u8` to `u64`, `usize` or `i8` to `i64`. Negative labels are
/// rejected.
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

/// The class index of a label whose range has been checked.
#[inline(always)]
pub(crate) fn class<L: Label>(label: L) -> usize {
    label.wide() as usize
}
