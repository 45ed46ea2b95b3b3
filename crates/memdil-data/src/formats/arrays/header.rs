//! The header of NumPy's `.npy` format: the position, type and layout of the elements.
//!
//! A file begins with `\x93NUMPY`, a version, the length of the header and the header itself: a
//! Python dictionary with the type, the memory order and the shape (NumPy Enhancement Proposal 1).
//! The parser does not recurse, so malicious input cannot exhaust the stack.

use super::dtype::Dtype;

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
const AGAIN: &str = "save the array again with numpy.save";

/// The parsed header of an array.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) dtype: Dtype,
    pub(super) big_endian: bool,
    /// Whether columns are contiguous.
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
    /// Position of the first element.
    pub(super) start: usize,
}

impl Header {
    /// The header of an array in C order and little-endian.
    pub(super) fn plain(dtype: Dtype, shape: Vec<usize>) -> Self {
        Self {
            dtype,
            big_endian: false,
            fortran_order: false,
            shape,
            start: 0,
        }
    }

    /// Parses the beginning of a file; the error holds the fault and the remedy.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            return Err(format!("does not begin like a .npy file; {AGAIN}"));
        };
        let cut = || format!("ends within its header; {AGAIN}");
        let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
        let (length, rest) = match version[0] {
            1 => rest
                .split_first_chunk()
                .map(|(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest)),
            2 | 3 => rest
                .split_first_chunk()
                .map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest)),
            other => return Err(format!("has the unknown .npy version {other}; {AGAIN}")),
        }
        .ok_or_else(cut)?;
        let literal = rest.get(..length).ok_or_else(cut)?;
        let start = bytes.len() - rest.len() + length;
        let header = std::str::from_utf8(literal).ok();
        let header = header.and_then(|literal| Self::parse(literal, start));
        header.ok_or_else(|| format!("has a header that cannot be read; {AGAIN}"))
    }

    /// Parses the three values of the header's dictionary.
    fn parse(literal: &str, start: usize) -> Option<Self> {
        let mut rest = literal.trim().strip_prefix('{')?.trim_start();
        let (mut dtype, mut fortran_order, mut shape) = (None, None, None);
        while !rest.starts_with('}') {
            let (key, after) = quoted(rest)?;
            rest = after.trim_start().strip_prefix(':')?.trim_start();
            match key {
                "descr" if rest.starts_with('[') => {
                    let (columns, after) = columns(rest)?;
                    (dtype, rest) = (Some((Dtype::Records(columns), false)), after);
                }
                "descr" => {
                    let (descr, after) = quoted(rest)?;
                    (dtype, rest) = (Some(Dtype::parse(descr)), after);
                }
                "fortran_order" => {
                    let value = rest.starts_with("True");
                    rest = rest.strip_prefix(if value { "True" } else { "False" })?;
                    fortran_order = Some(value);
                }
                "shape" => {
                    let (lengths, after) = lengths(rest)?;
                    (shape, rest) = (Some(lengths), after);
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
        let (dtype, big_endian) = dtype?;
        Some(Self {
            dtype,
            big_endian,
            fortran_order: fortran_order?,
            shape: shape?,
            start,
        })
    }
}

/// Splits off a string literal without escapes, and returns it with the rest.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mark = text
        .chars()
        .next()
        .filter(|mark| matches!(mark, '\'' | '"'))?;
    text[1..].split_once(mark)
}

/// Splits off a structured type, `[('a', '<f4'), ('b', '<i8', (3,))]`, and returns its names with
/// the rest. Names in nested types are skipped.
fn columns(text: &str) -> Option<(Vec<String>, &str)> {
    let (mut names, mut depth, mut rest) = (Vec::new(), 0_usize, text);
    let mut opened = false;
    while let Some(next) = rest.chars().next() {
        if matches!(next, '\'' | '"') {
            let (string, after) = quoted(rest)?;
            if opened && depth == 2 {
                names.push(string.to_owned());
            }
            (opened, rest) = (false, after);
            continue;
        }
        rest = &rest[next.len_utf8()..];
        match next {
            '[' | '(' => (depth, opened) = (depth + 1, true),
            ']' | ')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (!names.is_empty()).then_some((names, rest));
        }
    }
    None
}

/// Splits off a shape, and returns its lengths with the rest.
fn lengths(text: &str) -> Option<(Vec<usize>, &str)> {
    let mut rest = text.strip_prefix('(')?.trim_start();
    let mut lengths = Vec::new();
    while !rest.starts_with(')') {
        let (length, after) = length(rest)?;
        lengths.push(length);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.starts_with(')') => {}
            None => return None,
        }
    }
    Some((lengths, &rest[1..]))
}

/// Splits off one length and returns it with the rest: `24`, Python 2's `24L`, or `np.int64(24)`,
/// which NumPy 2 writes when a shape holds a NumPy scalar (NumPy cannot read that file back).
fn length(text: &str) -> Option<(usize, &str)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let (word, rest) = text.split_at(text.find(|c| !is_word(c))?);
    match rest.strip_prefix('(') {
        Some(rest) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            let (number, rest) = rest.split_once(')')?;
            Some((number.trim().parse().ok()?, rest))
        }
        _ => Some((word.strip_suffix('L').unwrap_or(word).parse().ok()?, rest)),
    }
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

    fn read(descr: &str, shape: &str) -> Result<Header, String> {
        Header::read(&file(&format!(
            "{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}  \n"
        )))
    }

    #[test]
    fn shapes_of_all_known_writers_are_read() {
        for (shape, expected) in [
            ("()", &[][..]),
            ("(7,)", &[7]),
            ("(3, 4)", &[3, 4]),
            ("(3,4,)", &[3, 4]),
            ("(3L, 4L)", &[3, 4]),
            ("(np.int64(24), np.int64(4))", &[24, 4]),
            ("(numpy.uint32( 24 ),)", &[24]),
        ] {
            assert_eq!(read("'<f4'", shape).unwrap().shape, expected, "{shape}");
        }
        for shape in [
            "(-1,)",
            "(3 4)",
            "(3",
            "(L,)",
            "(99999999999999999999,)",
            "(f(3)",
            "(é,)",
        ] {
            assert!(read("'<f4'", shape).is_err(), "{shape}");
        }
    }

    #[test]
    fn keys_are_read_in_any_order_and_all_versions() {
        let literal = "{\"shape\": (2,), \"fortran_order\": True, \"descr\": \">i8\"}\n";
        let mut bytes = file(literal);
        let expected = Header {
            dtype: Dtype::INT64,
            big_endian: true,
            fortran_order: true,
            shape: vec![2],
            start: bytes.len(),
        };
        assert_eq!(Header::read(&bytes), Ok(expected));
        bytes.splice(10..10, [0, 0]);
        for version in [2, 3] {
            bytes[6] = version;
            assert_eq!(Header::read(&bytes).unwrap().shape, [2], "{version}");
        }
        bytes[6] = 4;
        assert!(Header::read(&bytes).is_err_and(|e| e.contains("version 4")));
    }

    #[test]
    fn column_names_of_records_are_read() {
        let records =
            "[('index', '<i8'), ('h]', '<f4', (3,)), ('at', [('x', '<f4'), ('y', '<f4')])]";
        let expected = ["index", "h]", "at"].map(str::to_owned).to_vec();
        assert_eq!(
            read(records, "(3,)").unwrap().dtype,
            Dtype::Records(expected)
        );
    }

    #[test]
    fn damaged_headers_do_not_panic() {
        let whole = file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }");
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
        assert!(read(&"[".repeat(60_000), "(2,)").is_err());
    }
}
