//! Arrays from .npy, .npz and .safetensors files, viewed without a copy.
//!
//! Files are mapped into memory, so that an array may be larger than it. Members of a .npz are
//! unpacked. Whatever the bytes are, the answer is an array that was checked or one line that says
//! what is wrong with which file.

mod npy;
mod source;

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use bytemuck::Pod;
use memdil_metrics::Real;
use ndarray::ArrayView2;

pub(crate) use source::Source;

#[cfg(target_endian = "big")]
compile_error!("files hold little-endian numbers, and they are mapped as they are");

/// Bad input from outside: the program ends with status 2.
#[derive(Debug)]
pub(crate) struct BadInput(pub(crate) String);

impl std::fmt::Display for BadInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// The type of an array's elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Dtype {
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    /// Any other, in words.
    Other(String),
}

impl Dtype {
    fn size(&self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Other(_) => 1,
            Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::Other(name) => name,
        }
    }
}

/// What an array has to be.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Two dimensions of float32 or float64.
    Matrix,
    /// One dimension of float32 or float64.
    Vector,
    /// One dimension of integers.
    Labels,
}

impl Kind {
    fn dimensions(self) -> usize {
        if self == Self::Matrix { 2 } else { 1 }
    }

    /// Why an array of this type and shape is not of this kind, with the remedy.
    fn refuse(self, dtype: &Dtype, shape: &[usize]) -> Option<String> {
        let float = matches!(dtype, Dtype::F32 | Dtype::F64);
        if matches!(dtype, Dtype::Other(_)) || float != (self != Self::Labels) {
            let (needed, cast) = if self == Self::Labels {
                ("integers", "int64")
            } else {
                ("float32 or float64", "float32")
            };
            return Some(format!(
                "holds {}, not {needed}; save a.astype(\"{cast}\")",
                dtype.name()
            ));
        }
        if shape.len() != self.dimensions() {
            let remedy = match self {
                Self::Matrix => "save a.reshape(len(a), -1), one row a sample or class",
                Self::Labels if shape.len() == 2 && shape[1] > 1 => {
                    "save class numbers, a.argmax(1) if rows are one-hot"
                }
                Self::Vector | Self::Labels => "save a.ravel()",
            };
            return Some(format!(
                "has {} dimension(s), not {}; {remedy}",
                shape.len(),
                self.dimensions()
            ));
        }
        let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
        shape
            .contains(&0)
            .then(|| format!("is empty ({}); save at least one row", lengths.join(" x ")))
    }
}

/// Bytes that several arrays may share.
#[derive(Clone)]
enum Bytes {
    Mapped(Rc<memmap2::Mmap>),
    /// Whole words, so that elements of any type are aligned, and the number of bytes in use.
    Read(Rc<Vec<u64>>, usize),
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Read(words, length) => &bytemuck::cast_slice(words.as_slice())[..*length],
        }
    }
}

/// An array whose kind and length have been checked; rows lie one after the other.
pub(crate) struct Array {
    /// Where it comes from, for messages: `h.npy`, or `run.npz: features`.
    pub(crate) place: String,
    pub(crate) dtype: Dtype,
    shape: Vec<usize>,
    bytes: Bytes,
    range: Range<usize>,
}

impl Array {
    /// An array of a kind, at a range of bytes that must be just as long as the array.
    fn new(
        place: String,
        kind: Kind,
        dtype: Dtype,
        shape: Vec<usize>,
        bytes: Bytes,
        range: Range<usize>,
    ) -> Result<Self, BadInput> {
        let refuse = |what: String| Err(BadInput(format!("{place}: {what}")));
        if let Some(what) = kind.refuse(&dtype, &shape) {
            return refuse(what);
        }
        // A view addresses its elements and bytes by isize.
        let size = shape
            .iter()
            .try_fold(dtype.size(), |size, &length| size.checked_mul(length));
        let Some(size) = size.filter(|&size| isize::try_from(size).is_ok()) else {
            return refuse(format!(
                "claims the shape {shape:?}, beyond any memory; save the array again"
            ));
        };
        if range.len() < size {
            return refuse(format!(
                "is cut short: {} of {size} bytes are there; save the array again",
                range.len()
            ));
        }
        if range.len() > size {
            return refuse(format!(
                "goes on after its array by {} bytes; save the array again",
                range.len() - size
            ));
        }
        let (bytes, range) = aligned(bytes, range, dtype.size());
        Ok(Self {
            place,
            dtype,
            shape,
            bytes,
            range,
        })
    }

    /// The elements as they lie.
    fn elements<T: Pod>(&self) -> &[T] {
        // Length and alignment were seen to in `new`.
        bytemuck::cast_slice(&self.bytes.as_ref()[self.range.clone()])
    }

    /// The elements of a matrix or vector; a copy only if they are of the other type.
    pub(crate) fn floats<T: Float>(&self) -> Cow<'_, [T]> {
        if self.dtype == T::DTYPE {
            return Cow::Borrowed(self.elements());
        }
        match self.dtype {
            Dtype::F32 => self
                .elements::<f32>()
                .iter()
                .map(|&value| T::round(value.into()))
                .collect(),
            _ => self
                .elements::<f64>()
                .iter()
                .map(|&value| T::round(value))
                .collect(),
        }
    }

    /// The labels; a copy only if they are not int64. A negative one, which no class can have, is
    /// refused.
    pub(crate) fn labels(&self) -> Result<Cow<'_, [i64]>, BadInput> {
        fn widen<T: Pod + TryInto<i64>>(array: &Array) -> Result<Vec<i64>, usize> {
            let elements = array.elements::<T>().iter().enumerate();
            elements
                .map(|(row, &label)| label.try_into().map_err(|_| row))
                .collect()
        }
        let labels = match self.dtype {
            Dtype::I64 => Ok(Cow::Borrowed(self.elements())),
            Dtype::I8 => widen::<i8>(self).map(Cow::Owned),
            Dtype::I16 => widen::<i16>(self).map(Cow::Owned),
            Dtype::I32 => widen::<i32>(self).map(Cow::Owned),
            Dtype::U8 => widen::<u8>(self).map(Cow::Owned),
            Dtype::U16 => widen::<u16>(self).map(Cow::Owned),
            Dtype::U32 => widen::<u32>(self).map(Cow::Owned),
            _ => widen::<u64>(self).map(Cow::Owned),
        };
        let place = &self.place;
        let labels = labels.map_err(|row| {
            BadInput(format!(
                "{place}: the label in row {row} is beyond int64; labels count classes from 0"
            ))
        })?;
        match labels.iter().position(|&label| label < 0) {
            None => Ok(labels),
            Some(row) => Err(BadInput(format!(
                "{place}: label {} in row {row}; labels count classes from 0, leave out samples that have none",
                labels[row]
            ))),
        }
    }

    /// The rows of a matrix, which is what `new` made of it.
    pub(crate) fn rows(&self) -> usize {
        self.shape[0]
    }

    /// The columns of a matrix, at least one.
    pub(crate) fn columns(&self) -> usize {
        self.shape[1]
    }

    /// A view of a matrix through its elements.
    pub(crate) fn matrix<'a, T>(&self, elements: &'a [T]) -> anyhow::Result<ArrayView2<'a, T>> {
        Ok(ArrayView2::from_shape(
            (self.shape[0], self.shape[1]),
            elements,
        )?)
    }
}

/// The same bytes at an address that is a multiple of `size`: as they are, but for files of an
/// unusual writer.
fn aligned(bytes: Bytes, range: Range<usize>, size: usize) -> (Bytes, Range<usize>) {
    let slice = &bytes.as_ref()[range.clone()];
    if slice.as_ptr().addr().is_multiple_of(size) {
        return (bytes, range);
    }
    let mut words = vec![0_u64; slice.len().div_ceil(size_of::<u64>())];
    bytemuck::cast_slice_mut(&mut words)[..slice.len()].copy_from_slice(slice);
    let length = slice.len();
    (Bytes::Read(Rc::new(words), length), 0..length)
}

/// `f32` or `f64`.
pub(crate) trait Float: Real + Pod {
    const DTYPE: Dtype;
    /// The nearest value of this type.
    fn round(value: f64) -> Self;
}

impl Float for f32 {
    const DTYPE: Dtype = Dtype::F32;
    fn round(value: f64) -> Self {
        value as Self
    }
}

impl Float for f64 {
    const DTYPE: Dtype = Dtype::F64;
    fn round(value: f64) -> Self {
        value
    }
}
