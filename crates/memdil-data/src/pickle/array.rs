//! NumPy's types and arrays within a pickle.

use super::value::{Items, Pickle, Ref, whole};

/// A NumPy type: what one element is and how its bytes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Type {
    /// NumPy's letter: `i`, `u`, `f`, `b`, `O`, ..
    kind: u8,
    /// `<`, `>` or `|`.
    order: u8,
    /// The number behind the letter.
    number: u32,
    /// Whether an element is a record of named fields, or an array itself.
    pub(super) compound: bool,
}

impl Type {
    /// The type of a name as NumPy pickles it, such as `u1` or `U5`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let kind = *name.as_bytes().first()?;
        let digits = name.get(1..)?;
        if !b"biufcSUVOMm".contains(&kind) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = match digits {
            "" if kind == b'O' => 8,
            "" if b"Mm".contains(&kind) => 8,
            digits => digits.parse().ok()?,
        };
        Some(Self {
            kind,
            order: b'|',
            number,
            compound: false,
        })
    }

    /// The same with the byte order, as the second step of a pickle says it.
    pub(super) fn with_order(self, order: &str) -> Option<Self> {
        let order = match order {
            "<" | "=" => b'<',
            ">" => b'>',
            "|" => b'|',
            _ => return None,
        };
        Some(Self { order, ..self })
    }

    pub(super) fn is_object(self) -> bool {
        self.kind == b'O' && !self.compound
    }

    /// Bytes of an element.
    pub(super) fn size(self) -> u64 {
        let number = u64::from(self.number);
        if self.kind == b'U' {
            4 * number
        } else {
            number
        }
    }

    /// As the header of a `.npy` writes it: `<i8`, `|u1`, `|O`.
    pub(super) fn descr(self) -> String {
        let kind = char::from(self.kind);
        if self.kind == b'O' {
            return "|O".to_owned();
        }
        format!("{}{kind}{}", char::from(self.order), self.number)
    }

    /// The integer in the bytes of one element, a whole-number float included.
    pub(super) fn integer(self, bytes: &[u8]) -> Option<i128> {
        if self.compound || bytes.len() > 8 {
            return None;
        }
        let mut little = [0; 8];
        little[..bytes.len()].copy_from_slice(bytes);
        if self.order == b'>' {
            little[..bytes.len()].reverse();
        }
        let bits = u64::from_le_bytes(little);
        match (self.kind, bytes.len()) {
            (b'u', 1 | 2 | 4 | 8) => Some(bits.into()),
            (b'i', width @ (1 | 2 | 4 | 8)) => {
                // Shifting back and forth copies the sign into the upper bits.
                let unused = 64 - 8 * width as u32;
                Some(((bits << unused).cast_signed() >> unused).into())
            }
            (b'f', 4 | 8) => whole(self.float(bytes)?),
            _ => None,
        }
    }

    /// The float of 4 or 8 bytes.
    pub(super) fn float(self, bytes: &[u8]) -> Option<f64> {
        let big = self.order == b'>';
        match (self.kind, bytes.len()) {
            (b'f', 4) => {
                let bytes = bytes.try_into().ok()?;
                let value = if big {
                    f32::from_be_bytes(bytes)
                } else {
                    f32::from_le_bytes(bytes)
                };
                Some(value.into())
            }
            (b'f', 8) => {
                let bytes = bytes.try_into().ok()?;
                Some(if big {
                    f64::from_be_bytes(bytes)
                } else {
                    f64::from_le_bytes(bytes)
                })
            }
            _ => None,
        }
    }

    /// The truth value of one byte.
    pub(super) fn truth(self, bytes: &[u8]) -> Option<bool> {
        match (self.kind, bytes) {
            (b'b', [byte]) => Some(*byte != 0),
            _ => None,
        }
    }
}

/// An array: its elements are bytes, or values for type `O`.
#[derive(Debug)]
pub(super) struct Array {
    pub(super) kind: Type,
    pub(super) shape: Vec<u64>,
    pub(super) fortran: bool,
    /// Bytes that fill the shape, or a list.
    pub(super) data: Ref,
}

/// An array of a [`Pickle`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct ArrayView<'p> {
    pub(super) pickle: &'p Pickle<'p>,
    pub(super) array: &'p Array,
}

impl<'p> ArrayView<'p> {
    /// The type as the header of a `.npy` writes it, for instance `<i8`.
    pub(crate) fn descr(&self) -> String {
        self.array.kind.descr()
    }

    /// Whether the elements are records of named fields.
    pub(crate) fn is_records(&self) -> bool {
        self.array.kind.compound
    }

    pub(crate) fn shape(&self) -> &'p [u64] {
        &self.array.shape
    }

    /// Whether the first index varies fastest.
    pub(crate) fn fortran(&self) -> bool {
        self.array.fortran
    }

    /// The bytes of all elements, which fill the shape; none for objects.
    pub(crate) fn bytes(&self) -> Option<&'p [u8]> {
        self.pickle.bytes(self.array.data)
    }

    /// The elements of type `O`, if they are as many as the shape says.
    pub(crate) fn objects(&self) -> Option<Items<'p>> {
        let claimed = element_count(self.shape())?;
        self.pickle
            .items(self.array.data)
            .filter(|items| self.array.kind.is_object() && items.len() as u64 == claimed)
    }

    /// The elements if they are integers and lie along one dimension.
    pub(super) fn integers(&self) -> Option<Vec<i128>> {
        if self.shape().is_empty() || self.shape().iter().filter(|&&size| size != 1).count() > 1 {
            return None;
        }
        if let Some(objects) = self.objects() {
            return objects.iter().map(super::Value::whole).collect();
        }
        let kind = self.array.kind;
        let width = usize::try_from(kind.size())
            .ok()
            .filter(|&width| width > 0)?;
        self.bytes()?
            .chunks_exact(width)
            .map(|element| kind.integer(element))
            .collect()
    }
}

/// Number of elements, if 64 bits can hold it.
pub(super) fn element_count(shape: &[u64]) -> Option<u64> {
    shape
        .iter()
        .try_fold(1_u64, |count, &size| count.checked_mul(size))
}
