//! An array and its conversion to the requested numeric type.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytemuck::Pod;
use half::{bf16, f16};
use ndarray::{Array2, ArrayD, ArrayView, CowArray, Ix2, IxDyn, ShapeBuilder};

use super::dtype::Dtype;
use super::header::Header;
use super::{objects, remedy};
use crate::error::DataError;
use crate::formats::numbers::integer;

#[cfg(target_endian = "big")]
compile_error!("mapped files hold little-endian numbers, which are used without conversion");

/// Converts a message about a file or an array to an error.
pub(super) fn at(place: impl ToString) -> impl FnOnce(String) -> DataError {
    let place = place.to_string();
    |message| DataError::Array { place, message }
}

/// Bytes that several arrays may share.
#[derive(Clone)]
pub(super) enum Bytes {
    Mapped(Arc<memmap2::Mmap>),
    Read(Arc<Vec<u8>>),
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Read(bytes) => bytes,
        }
    }
}

/// An array in a file, whose elements are known to be complete.
pub struct Array {
    place: String,
    header: Header,
    bytes: Bytes,
    range: Range<usize>,
}

/// `f32` or `f64`, the types from which metrics are computed.
pub trait Float: Pod {
    /// The element type in a file.
    const DTYPE: Dtype;
    /// Rounds to the nearest value of this type.
    fn round(value: f64) -> Self;
}

impl Float for f32 {
    const DTYPE: Dtype = Dtype::Float32;
    fn round(value: f64) -> Self {
        value as Self
    }
}

impl Float for f64 {
    const DTYPE: Dtype = Dtype::Float64;
    fn round(value: f64) -> Self {
        value
    }
}

impl Array {
    /// The array of a complete `.npy` file stored at `range` of `bytes`.
    pub(super) fn of_npy(
        place: String,
        bytes: Bytes,
        range: Range<usize>,
    ) -> Result<Self, DataError> {
        let mut header = Header::read(&bytes.as_ref()[range.clone()]).map_err(at(&place))?;
        // Both orders have the same bytes unless two dimensions are longer than 1.
        header.fortran_order &= header.shape.iter().filter(|&&length| length > 1).count() > 1;
        let start = range.start + header.start;
        Self::new(place, header, bytes, start..range.end)
    }

    /// Labels that were read from text.
    pub(super) fn of_labels(place: String, labels: &[i64]) -> Result<Self, DataError> {
        let bytes: Vec<u8> = bytemuck::cast_slice(labels).to_vec();
        let header = Header::plain(Dtype::INT64, vec![labels.len()]);
        let range = 0..bytes.len();
        Self::new(place, header, Bytes::Read(Arc::new(bytes)), range)
    }

    /// The array whose elements are stored at `range` of `bytes`.
    pub(super) fn new(
        place: String,
        header: Header,
        bytes: Bytes,
        range: Range<usize>,
    ) -> Result<Self, DataError> {
        let array = Self {
            place,
            header,
            bytes,
            range,
        };
        array.check_length()?;
        Ok(array)
    }

    /// Returns an error if an array of numbers is shorter or longer than its shape. Elements of
    /// other types are not checked.
    fn check_length(&self) -> Result<(), DataError> {
        let Some(element) = self.header.dtype.size() else {
            return Ok(());
        };
        // ndarray requires that the size in bytes fits into isize.
        let shape = &self.header.shape;
        let size = shape.iter().copied().try_fold(element, usize::checked_mul);
        let Some(size) = size.filter(|&size| isize::try_from(size).is_ok()) else {
            return Err(self.error(format!(
                "claims the shape {shape:?}, which exceeds any memory; save the array again"
            )));
        };
        let found = self.range.len();
        let message = if found < size {
            format!("is truncated: {found} of {size} bytes are present; save the array again")
        } else if found > size {
            let more = found - size;
            format!("has {more} bytes after the end of its array; save the array again")
        } else {
            return Ok(());
        };
        Err(self.error(message))
    }

    /// The origin of the array, for messages: `h.npy`, or `run.npz: features`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The type of the elements.
    pub fn dtype(&self) -> &Dtype {
        &self.header.dtype
    }

    /// The shape.
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// The bytes of the elements, in file order.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes.as_ref()[self.range.clone()]
    }

    /// Creates an error about this array.
    pub(crate) fn error(&self, message: String) -> DataError {
        at(&self.place)(message)
    }

    /// Reads a matrix (rows, columns) of float16, bfloat16, float32 or float64. float32 and float64
    /// in C order are not copied if their own type is requested.
    ///
    /// # Errors
    /// Returns [`DataError::Array`] with a remedy if the array has another type or another number
    /// of dimensions, or is empty.
    pub fn matrix<T: Float>(&self) -> Result<CowArray<'_, T, Ix2>, DataError> {
        let shape = self.matrix_shape()?;
        let array = match self.floats()? {
            Cow::Borrowed(values) => ArrayView::from_shape(shape, values).map(CowArray::from),
            Cow::Owned(values) => Array2::from_shape_vec(shape, values).map(CowArray::from),
        };
        array.map_err(|error| self.error(format!("does not fill its shape ({error})")))
    }

    /// The rows and columns of a matrix that [`matrix`](Self::matrix) can read.
    ///
    /// # Errors
    /// As for [`matrix`](Self::matrix).
    pub fn matrix_shape(&self) -> Result<(usize, usize), DataError> {
        self.check_floats()?;
        match self.header.shape[..] {
            [rows, columns] => Ok((rows, columns)),
            _ => Err(self.error(remedy::not_a_matrix(&self.header.shape))),
        }
    }

    /// Reads a vector of float16, bfloat16, float32 or float64, like [`matrix`](Self::matrix).
    ///
    /// # Errors
    /// As for [`matrix`](Self::matrix).
    pub fn vector<T: Float>(&self) -> Result<Cow<'_, [T]>, DataError> {
        self.check_floats()?;
        if self.header.shape.len() != 1 {
            return Err(self.error(remedy::not_a_vector(&self.header.shape)));
        }
        self.floats()
    }

    /// All elements as floats in C order; an error if the elements are not floats.
    pub(crate) fn floats<T: Float>(&self) -> Result<Cow<'_, [T]>, DataError> {
        self.check_floats()?;
        if self.header.dtype == T::DTYPE
            && let Some(values) = self.as_slice()
        {
            return Ok(Cow::Borrowed(values));
        }
        Ok(Cow::Owned(match self.header.dtype {
            Dtype::Float16 => self.each(|b| T::round(f16::from_le_bytes(b).to_f64())),
            Dtype::Bfloat16 => self.each(|b| T::round(bf16::from_le_bytes(b).to_f64())),
            Dtype::Float32 => self.each(|b| T::round(f32::from_le_bytes(b).into())),
            _ => self.each(|b| T::round(f64::from_le_bytes(b))),
        }))
    }

    /// The elements of an array of uint8 in C order. Elements that were unpacked into memory are
    /// not copied again.
    pub(crate) fn into_uint8(self) -> Result<Vec<u8>, DataError> {
        self.check_not_empty()?;
        if self.header.fortran_order {
            return Ok(self.each(|[byte]: [u8; 1]| byte));
        }
        match self.bytes {
            Bytes::Read(bytes) => {
                let mut bytes = Arc::unwrap_or_clone(bytes);
                bytes.truncate(self.range.end);
                bytes.drain(..self.range.start);
                bytes.shrink_to_fit();
                Ok(bytes)
            }
            Bytes::Mapped(map) => Ok(map[self.range].to_vec()),
        }
    }

    /// All elements as integers in C order; `None` if they are not integers or booleans.
    pub(crate) fn integers(&self) -> Option<Vec<i128>> {
        let (signed, bytes) = match self.header.dtype {
            Dtype::Bool => return Some(self.each(|[b]: [u8; 1]| i128::from(b != 0))),
            Dtype::Integer { signed, bytes } => (signed, bytes),
            _ => return None,
        };
        Some(match bytes {
            1 => self.each(|b: [u8; 1]| integer(signed, &b)),
            2 => self.each(|b: [u8; 2]| integer(signed, &b)),
            4 => self.each(|b: [u8; 4]| integer(signed, &b)),
            _ => self.each(|b: [u8; 8]| integer(signed, &b)),
        })
    }

    fn check_floats(&self) -> Result<(), DataError> {
        if self.header.dtype.is_float() {
            return self.check_not_empty();
        }
        Err(self.error(match self.header.dtype {
            Dtype::Objects => objects::describe(self.bytes()),
            _ => remedy::not_floats(&self.header.dtype),
        }))
    }

    pub(super) fn check_not_empty(&self) -> Result<(), DataError> {
        if self.header.shape.contains(&0) {
            let lengths: Vec<String> = self.header.shape.iter().map(usize::to_string).collect();
            let message = format!("is empty ({}); save at least one row", lengths.join(" x "));
            return Err(self.error(message));
        }
        Ok(())
    }

    /// The elements without a copy, if they are aligned, in C order and little-endian.
    pub(super) fn as_slice<T: Pod>(&self) -> Option<&[T]> {
        if self.header.big_endian || self.header.fortran_order {
            return None;
        }
        bytemuck::try_cast_slice(self.bytes()).ok()
    }

    /// Converts every element from its little-endian bytes, and returns them in C order.
    pub(super) fn each<const N: usize, T: Clone>(&self, value: impl Fn([u8; N]) -> T) -> Vec<T> {
        let values = self.bytes().as_chunks::<N>().0.iter();
        let values: Vec<T> = if self.header.big_endian {
            values.map(|bytes| value(reversed(*bytes))).collect()
        } else {
            values.map(|bytes| value(*bytes)).collect()
        };
        if !self.header.fortran_order {
            return values;
        }
        // `check_length` has verified that the elements fill the shape, so this cannot fail.
        match ArrayD::from_shape_vec(IxDyn(&self.header.shape).f(), values) {
            Ok(array) => array.iter().cloned().collect(),
            Err(_) => Vec::new(),
        }
    }
}

fn reversed<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    bytes.reverse();
    bytes
}
