//! NumPy's `.npy` format: the header, and the values as they lie in the file.
//!
//! `\x93NUMPY`, a version, the length of the header, the header (a Python dictionary with the type,
//! the order and the shape), then the values (NumPy Enhancement Proposal 1).

use std::io::Read;

use crate::unpack::{Fault, read_full};

/// NumPy itself refuses longer headers unless told otherwise.
const LONGEST_HEADER: usize = 10_000;

/// What the header says.
#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    /// As NumPy writes it, for instance `<f4`.
    pub(crate) dtype: String,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<u64>,
}

impl Header {
    /// Number of values, if 64 bits can hold it.
    pub(crate) fn len(&self) -> Option<u64> {
        self.shape
            .iter()
            .try_fold(1_u64, |len, &size| len.checked_mul(size))
    }

    /// How the values lie if they are integers; none if they are not.
    pub(crate) fn integers(&self) -> Option<Integers> {
        match self.dtype.as_bytes() {
            [
                order @ (b'<' | b'>' | b'|' | b'='),
                kind @ (b'i' | b'u'),
                width @ (b'1' | b'2' | b'4' | b'8'),
            ] => Some(Integers {
                big_endian: *order == b'>',
                signed: *kind == b'i',
                width: usize::from(width - b'0'),
            }),
            _ => None,
        }
    }
}

/// Integers as they lie in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Integers {
    big_endian: bool,
    signed: bool,
    /// Bytes of each.
    pub(crate) width: usize,
}

impl Integers {
    /// The integer that these bytes are.
    pub(crate) fn value(self, bytes: &[u8]) -> i128 {
        let join = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        let bits = if self.big_endian {
            bytes.iter().fold(0, join)
        } else {
            bytes.iter().rev().fold(0, join)
        };
        let unused = 64 - 8 * self.width as u32;
        // Shifting back and forth copies the sign into the upper bits.
        if self.signed {
            i128::from((bits << unused) as i64 >> unused)
        } else {
            i128::from(bits)
        }
    }
}

pub(crate) fn read_header(reader: &mut dyn Read) -> Result<Header, Fault> {
    let mut start = [0; 8];
    if read_full(reader, &mut start)? < start.len() || !start.starts_with(b"\x93NUMPY") {
        return Err("is no .npy array".into());
    }
    let len_bytes = match start[6] {
        1 => 2,
        2 | 3 => 4,
        version => return Err(format!("is of .npy version {version}: 1 to 3 are read").into()),
    };
    let mut len = [0; 4];
    read_full(reader, &mut len[..len_bytes])?;
    let len = u32::from_le_bytes(len) as usize;
    if len > LONGEST_HEADER {
        return Err(
            format!("has a header of {len} bytes: at most {LONGEST_HEADER} are read").into(),
        );
    }
    let mut text = vec![0; len];
    if read_full(reader, &mut text)? < len {
        return Err("ends in its header".into());
    }
    let text = String::from_utf8_lossy(&text);
    parse(&text).ok_or_else(|| {
        let start: String = text.trim().chars().take(100).collect();
        Fault::Content(format!(
            "has a header that is not understood: {}",
            start.escape_debug()
        ))
    })
}

/// The dictionary; none if it is anything but the three entries NumPy writes.
fn parse(text: &str) -> Option<Header> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let (mut dtype, mut fortran_order, mut shape) = (None, None, None);
    while !rest.is_empty() {
        let (key, after) = string(rest)?;
        let after = after.trim_start().strip_prefix(':')?.trim_start();
        rest = match key {
            "descr" => {
                let (value, after) = string(after)?;
                dtype = Some(value.to_owned());
                after
            }
            "fortran_order" => {
                let (value, after) = match after.strip_prefix("True") {
                    Some(after) => (true, after),
                    None => (false, after.strip_prefix("False")?),
                };
                fortran_order = Some(value);
                after
            }
            "shape" => {
                let (value, after) = after.strip_prefix('(')?.split_once(')')?;
                let sizes = value.trim().trim_end_matches(',');
                let sizes = if sizes.is_empty() {
                    Vec::new()
                } else {
                    sizes.split(',').collect()
                };
                shape = Some(
                    sizes
                        .into_iter()
                        .map(|size| size.trim().parse().ok())
                        .collect::<Option<_>>()?,
                );
                after
            }
            _ => return None,
        }
        .trim_start();
        rest = match rest.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(Header {
        dtype: dtype?,
        fortran_order: fortran_order?,
        shape: shape?,
    })
}

/// A quoted string and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let quote = text
        .chars()
        .next()
        .filter(|quote| ['\'', '"'].contains(quote))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_numpy_writes_them_are_understood() {
        let header = |dtype: &str, fortran_order, shape: &[u64]| Header {
            dtype: dtype.into(),
            fortran_order,
            shape: shape.into(),
        };
        for (text, expected) in [
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n",
                header("<f4", false, &[3, 4]),
            ),
            (
                "{'descr': '|u1', 'fortran_order': True, 'shape': (7,), }\n",
                header("|u1", true, &[7]),
            ),
            (
                "{'descr': '<i8', 'fortran_order': False, 'shape': ()}",
                header("<i8", false, &[]),
            ),
            (
                "{\"shape\": (2,3,), \"descr\": \"|O\", \"fortran_order\": False}",
                header("|O", false, &[2, 3]),
            ),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (3,)}",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
