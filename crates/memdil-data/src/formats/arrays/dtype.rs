//! The type of an array's elements.

use crate::formats::names::shortened;

/// The element type of an array, independent of the byte order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dtype {
    /// One byte, 0 or 1.
    Bool,
    /// Integers of 1, 2, 4 or 8 bytes.
    Integer {
        /// Whether the integers are signed.
        signed: bool,
        /// Bytes per element.
        bytes: usize,
    },
    /// IEEE 754 half precision.
    Float16,
    /// The upper half of a float32, common in saved networks; NumPy has no such type.
    Bfloat16,
    /// Single precision.
    Float32,
    /// Double precision.
    Float64,
    /// Two raw bytes (`|V2`), as NumPy saves the bfloat16 of JAX.
    Raw16,
    /// Strings.
    Text,
    /// Pickled Python objects.
    Objects,
    /// Structured elements, with the names of the columns.
    Records(Vec<String>),
    /// Any other type, with a description.
    Other(String),
}

impl Dtype {
    pub(crate) const INT64: Self = Self::Integer {
        signed: true,
        bytes: 8,
    };
    pub(crate) const UINT8: Self = Self::Integer {
        signed: false,
        bytes: 1,
    };

    /// Parses NumPy's name of an unstructured type, such as `<f4`, and returns the type and whether
    /// its bytes are in big-endian order.
    pub(super) fn parse(descr: &str) -> (Self, bool) {
        let (order, kind) = match descr.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), ..] => (*order, &descr[1..]),
            _ => (b'<', descr),
        };
        let dtype = match kind {
            "b1" => Self::Bool,
            "i1" | "i2" | "i4" | "i8" | "u1" | "u2" | "u4" | "u8" => Self::Integer {
                signed: kind.starts_with('i'),
                bytes: usize::from(kind.as_bytes()[1] - b'0'),
            },
            "f2" => Self::Float16,
            "f4" => Self::Float32,
            "f8" => Self::Float64,
            "V2" => Self::Raw16,
            "O" => Self::Objects,
            _ if kind.starts_with(['U', 'S', 'a']) => Self::Text,
            _ => Self::Other(format!("elements of type {}", descr.escape_default())),
        };
        (dtype, order == b'>')
    }

    pub(super) fn of_tensor(dtype: safetensors::Dtype) -> Self {
        use safetensors::Dtype as Tensor;
        let integer = |signed| Self::Integer {
            signed,
            bytes: dtype.bitsize() / 8,
        };
        match dtype {
            Tensor::F16 => Self::Float16,
            Tensor::BF16 => Self::Bfloat16,
            Tensor::F32 => Self::Float32,
            Tensor::F64 => Self::Float64,
            Tensor::BOOL => Self::Bool,
            Tensor::I8 | Tensor::I16 | Tensor::I32 | Tensor::I64 => integer(true),
            Tensor::U8 | Tensor::U16 | Tensor::U32 | Tensor::U64 => integer(false),
            other => Self::Other(format!("elements of type {other:?}")),
        }
    }

    /// Bytes per element; `None` if the elements are not numbers.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Bool => Some(1),
            Self::Integer { bytes, .. } => Some(*bytes),
            Self::Float16 | Self::Bfloat16 => Some(2),
            Self::Float32 => Some(4),
            Self::Float64 => Some(8),
            Self::Raw16 | Self::Text | Self::Objects | Self::Records(_) | Self::Other(_) => None,
        }
    }

    /// Whether the type is float16, bfloat16, float32 or float64.
    pub fn is_float(&self) -> bool {
        matches!(
            self,
            Self::Float16 | Self::Bfloat16 | Self::Float32 | Self::Float64
        )
    }

    /// NumPy's name of the type, or a description.
    pub fn name(&self) -> String {
        match self {
            Self::Bool => "booleans".to_owned(),
            Self::Integer { signed, bytes } => {
                let sign = if *signed { "" } else { "u" };
                format!("{sign}int{}", 8 * bytes)
            }
            Self::Float16 => "float16".to_owned(),
            Self::Bfloat16 => "bfloat16".to_owned(),
            Self::Float32 => "float32".to_owned(),
            Self::Float64 => "float64".to_owned(),
            Self::Raw16 => "two raw bytes per element (JAX's bfloat16)".to_owned(),
            Self::Text => "strings".to_owned(),
            Self::Objects => "Python objects".to_owned(),
            Self::Records(columns) => {
                let names = shortened(columns.iter().map(String::as_str), columns.len());
                format!("records with the columns {names}")
            }
            Self::Other(description) => description.clone(),
        }
    }
}
