//! The header of NumPy's .npy format: where the numbers start, and how they lie.
//!
//! The header is a Python literal with three known keys. It is read by hand and without recursion,
//! so that no bytes can exhaust the stack.

use super::Dtype;

/// What a .npy file says about its array.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// Columns lie together, and there is more than one of them and of rows.
    pub(super) column_order: bool,
    /// Position of the first number.
    pub(super) start: usize,
}

impl Header {
    /// Reads the beginning of a file; the error says what is wrong with it and what to do.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let again = "save the array again with numpy.save";
        let Some(rest) = bytes.strip_prefix(b"\x93NUMPY") else {
            return Err(format!("does not start as a .npy file; {again}"));
        };
        let cut = || format!("ends within its header; {again}");
        let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
        let (length, rest) = match version[0] {
            1 => rest
                .split_first_chunk()
                .map(|(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest)),
            2 | 3 => rest
                .split_first_chunk()
                .map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest)),
            other => return Err(format!("has the unknown .npy version {other}; {again}")),
        }
        .ok_or_else(cut)?;
        let literal = rest.get(..length).ok_or_else(cut)?;
        let start = bytes.len() - rest.len() + length;
        let unreadable = || format!("has a header that cannot be read; {again}");
        let Entries {
            descr,
            column_order,
            shape,
        } = std::str::from_utf8(literal)
            .ok()
            .and_then(entries)
            .ok_or_else(unreadable)?;
        let column_order = column_order && shape.iter().filter(|&&length| length > 1).count() > 1;
        Ok(Self {
            dtype: dtype(descr),
            shape,
            column_order,
            start,
        })
    }
}

/// The three values of the header's dictionary.
struct Entries<'a> {
    descr: &'a str,
    column_order: bool,
    shape: Vec<usize>,
}

fn entries(literal: &str) -> Option<Entries<'_>> {
    let mut rest = literal.trim().strip_prefix('{')?.trim_start();
    let (mut descr, mut column_order, mut shape) = (None, None, None);
    while !rest.starts_with('}') {
        let (key, after) = quoted(rest)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        match key {
            // A structured type is a list of fields: one level of brackets, which is all that has
            // to be skipped.
            "descr" if rest.starts_with('[') => {
                let end = rest.find(']')? + 1;
                descr = Some(&rest[..end]);
                rest = &rest[end..];
            }
            "descr" => {
                let (value, after) = quoted(rest)?;
                (descr, rest) = (Some(value), after);
            }
            "fortran_order" => {
                let truth = rest.strip_prefix("True").map(|after| (true, after));
                let (value, after) =
                    truth.or_else(|| rest.strip_prefix("False").map(|after| (false, after)))?;
                (column_order, rest) = (Some(value), after);
            }
            "shape" => {
                let (values, after) = rest.strip_prefix('(')?.split_once(')')?;
                (shape, rest) = (Some(lengths(values)?), after);
            }
            _ => return None,
        }
        rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.starts_with('}') => {}
            None => return None,
        }
    }
    Some(Entries {
        descr: descr?,
        column_order: column_order?,
        shape: shape?,
    })
}

/// A string literal without escapes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mark = text
        .chars()
        .next()
        .filter(|mark| matches!(mark, '\'' | '"'))?;
    text[1..].split_once(mark)
}

/// The lengths of a shape, `3, 4` or `3,`; Python 2 wrote `3L`.
fn lengths(values: &str) -> Option<Vec<usize>> {
    let values = values.trim();
    let values = values.strip_suffix(',').unwrap_or(values);
    if values.is_empty() {
        return Some(Vec::new());
    }
    values
        .split(',')
        .map(|value| value.trim().trim_end_matches('L').parse().ok())
        .collect()
}

/// The element type of NumPy's name for it.
fn dtype(descr: &str) -> Dtype {
    let known = |name: &str| match name {
        "f4" => Some(Dtype::F32),
        "f8" => Some(Dtype::F64),
        "i1" => Some(Dtype::I8),
        "i2" => Some(Dtype::I16),
        "i4" => Some(Dtype::I32),
        "i8" => Some(Dtype::I64),
        "u1" => Some(Dtype::U8),
        "u2" => Some(Dtype::U16),
        "u4" => Some(Dtype::U32),
        "u8" => Some(Dtype::U64),
        _ => None,
    };
    if let Some(known) = descr.strip_prefix(['<', '|', '=']).and_then(known) {
        return known;
    }
    let name = match descr {
        "|O" => "Python objects".to_owned(),
        "<f2" => "float16".to_owned(),
        "|b1" => "booleans".to_owned(),
        _ if descr.starts_with('[') => "records".to_owned(),
        _ if descr.starts_with('>') => format!("big-endian numbers ({descr})"),
        _ => format!("elements of type {}", descr.escape_default()),
    };
    Dtype::Other(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(literal: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((literal.len() as u16).to_le_bytes());
        bytes.extend(literal.as_bytes());
        bytes
    }

    #[test]
    fn headers_as_numpy_has_written_them() {
        for literal in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }          \n",
            "{\"shape\": (3L, 4L), \"fortran_order\": False, \"descr\": \"<f4\"}\n",
        ] {
            let bytes = file(literal);
            let expected = Header {
                dtype: Dtype::F32,
                shape: vec![3, 4],
                column_order: false,
                start: bytes.len(),
            };
            assert_eq!(Header::read(&bytes), Ok(expected), "{literal}");
        }
        let shape = |text: &str| {
            Header::read(&file(&format!(
                "{{'descr': '|u1', 'fortran_order': True, 'shape': {text}}}"
            )))
        };
        assert_eq!(shape("()").unwrap().shape, [0; 0]);
        assert_eq!(shape("(7,)").unwrap().shape, [7]);
        // One column: both orders are the same bytes.
        assert!(!shape("(7, 1)").unwrap().column_order && shape("(7, 2)").unwrap().column_order);
        let mut second = file("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }");
        second[6] = 2;
        second.splice(10..10, [0, 0]);
        assert_eq!(Header::read(&second).unwrap().shape, [2]);
    }

    #[test]
    fn what_is_no_header_is_told_and_never_panics() {
        for (literal, expected) in [
            ("", "cannot be read"),
            ("{'descr': '<f4', 'fortran_order': False}", "cannot be read"),
            (
                "{'descr': '<f4', 'fortran_order': No, 'shape': (1,)}",
                "cannot be read",
            ),
            (
                "{'descr': '<f4', 'fortran_order': True, 'shape': (-1,)}",
                "cannot be read",
            ),
            (
                "{'descr': '<f4', 'fortran_order': True, 'shape': (99999999999999999999,)}",
                "cannot be read",
            ),
            (
                "{'descr': é, 'fortran_order': True, 'shape': (1,)}",
                "cannot be read",
            ),
        ] {
            let found = Header::read(&file(literal)).unwrap_err();
            assert!(found.contains(expected), "{literal}: {found}");
        }
        let records =
            "{'descr': [('a', '<f4'), ('b', '<i8')], 'fortran_order': False, 'shape': (3,), }";
        assert_eq!(
            Header::read(&file(records)).unwrap().dtype,
            Dtype::Other("records".to_owned())
        );
        // Every prefix, and every byte replaced by some others.
        let whole = file(records);
        for end in 0..whole.len() {
            assert!(Header::read(&whole[..end]).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            for value in [0, b'\'', b'(', b'}', b',', b'9', 0x93, 0xc3, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let _ = Header::read(&changed);
            }
        }
        let deep = format!("{{'descr': {}", "[".repeat(60_000));
        assert!(Header::read(&file(&deep)).is_err());
    }
}
