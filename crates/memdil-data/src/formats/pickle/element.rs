//! NumPy's element types in a pickle.

use crate::formats::numbers::{integer, whole};

/// A NumPy type: the kind, size and byte order of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Type {
    /// NumPy's letter: `i`, `u`, `f`, `b`, `O`, ..
    kind: u8,
    /// `<`, `>` or `|`.
    order: u8,
    /// The number after the letter.
    number: u32,
    /// Whether an element is a record of named fields, or a subarray.
    pub(super) compound: bool,
}

impl Type {
    /// Parses a type name as NumPy pickles it, such as `u1` or `U5`.
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

    /// Sets the byte order, which a pickle gives in a second step.
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

    /// Bytes per element.
    pub(super) fn size(self) -> u64 {
        let unit = if self.kind == b'U' { 4 } else { 1 };
        unit * u64::from(self.number)
    }

    /// The type as written in a `.npy` header: `<i8`, `|u1`, `|O`.
    pub(super) fn descr(self) -> String {
        let kind = char::from(self.kind);
        if self.kind == b'O' {
            return "|O".to_owned();
        }
        format!("{}{kind}{}", char::from(self.order), self.number)
    }

    /// Decodes an element as an integer; whole-number floats are converted.
    pub(super) fn integer(self, bytes: &[u8]) -> Option<i128> {
        match (self.kind, bytes.len()) {
            _ if self.compound => None,
            (b'u' | b'i', 1 | 2 | 4 | 8) => Some(self.decode(self.kind == b'i', bytes)),
            _ => whole(self.float(bytes)?).map(i128::from),
        }
    }

    /// Decodes an element as a float of 4 or 8 bytes.
    pub(super) fn float(self, bytes: &[u8]) -> Option<f64> {
        let bits = || self.decode(false, bytes) as u64;
        match (self.kind, bytes.len()) {
            (b'f', 4) => Some(f32::from_bits(bits() as u32).into()),
            (b'f', 8) => Some(f64::from_bits(bits())),
            _ => None,
        }
    }

    /// Decodes an integer of at most 8 bytes in the byte order of this type.
    fn decode(self, signed: bool, bytes: &[u8]) -> i128 {
        let mut little = bytes.to_vec();
        if self.order == b'>' {
            little.reverse();
        }
        integer(signed, &little)
    }

    /// Decodes an element as a boolean of one byte.
    pub(super) fn truth(self, bytes: &[u8]) -> Option<bool> {
        match (self.kind, bytes) {
            (b'b', [byte]) => Some(*byte != 0),
            _ => None,
        }
    }
}

/// Number of elements; `None` if it exceeds 64 bits.
pub(super) fn element_count(shape: &[u64]) -> Option<u64> {
    shape.iter().copied().try_fold(1, u64::checked_mul)
}
