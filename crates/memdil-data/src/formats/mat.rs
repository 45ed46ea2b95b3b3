//! MATLAB v5 files: a minimal reader that streams numeric arrays.
//!
//! A header of 128 bytes, which ends with the version and the byte order, is followed by elements.
//! An element has a type, a length and its content. A variable is an element of type matrix, or an
//! element of type compressed that unpacks to a matrix. Its parts are elements padded to 8 bytes:
//! flags with the class, sizes, name, values. An element of up to 4 bytes may store its content in
//! its tag (MathWorks, "MAT-File Format", R2024).

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use crate::formats::numbers::integer;
use crate::formats::unpack::{Capped, Fault, read_full};

const COMPRESSED: u32 = 15;
const MATRIX: u32 = 14;

/// Maximum length of a variable name in MATLAB.
const MAX_NAME_LENGTH: u32 = 63;
/// Maximum number of dimensions; no supported data set has more.
const MAX_DIMENSIONS: u32 = 8;

/// An array whose values have not been read yet.
pub(crate) struct Matrix<'a> {
    pub(crate) name: String,
    /// The first index varies fastest: columns are contiguous.
    pub(crate) sizes: Vec<u64>,
    pub(crate) values: Values<'a>,
}

/// The stored values of an array.
pub(crate) struct Values<'a> {
    pub(crate) reader: Box<dyn Read + 'a>,
    pub(crate) bytes: u64,
    /// Type of the stored numbers: 1 to 7, 9, 12 or 13.
    kind: u32,
    big_endian: bool,
}

/// The tag of an element: its type, its length, and its content if it is stored in the tag.
struct Tag {
    kind: u32,
    len: u32,
    inline: Option<[u8; 4]>,
}

/// Calls `visit` with every variable of the file until `visit` returns true.
pub(crate) fn for_each_matrix(
    reader: &mut dyn Read,
    ceiling: u64,
    mut visit: impl FnMut(Matrix) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let big_endian = read_header(reader)?;
    while let Some(tag) = read_tag(reader, big_endian)? {
        let mut element = (&mut *reader).take(tag.len.into());
        let done = match tag.kind {
            COMPRESSED => {
                let mut unpacked = Capped {
                    reader: ZlibDecoder::new(&mut element),
                    left: ceiling,
                };
                if !read_tag(&mut unpacked, big_endian)?.is_some_and(|tag| tag.is_matrix()) {
                    return Err("has a compressed element that is not an array".into());
                }
                let done = visit(read_matrix(&mut unpacked, big_endian)?)?;
                // The decoder compares the checksum at the end of the stream.
                io::copy(&mut unpacked, &mut io::sink())?;
                done
            }
            _ if tag.is_matrix() => visit(read_matrix(&mut element, big_endian)?)?,
            kind => {
                return Err(format!("has an element of type {kind} instead of a variable").into());
            }
        };
        if done {
            return Ok(());
        }
        io::copy(&mut element, &mut io::sink())?;
    }
    Ok(())
}

/// Reads the header and returns whether the file is big-endian.
fn read_header(reader: &mut dyn Read) -> Result<bool, Fault> {
    let mut header = [0; 128];
    if read_full(reader, &mut header)? < header.len() || !header.starts_with(b"MATLAB") {
        return Err("is not a MATLAB file: it does not begin with MATLAB's header".into());
    }
    let (version, big_endian) = match &header[124..] {
        [low, high, b'I', b'M'] => (u16::from_le_bytes([*low, *high]), false),
        [high, low, b'M', b'I'] => (u16::from_be_bytes([*high, *low]), true),
        _ => return Err("is not a MATLAB file of version 5: its byte order is not marked".into()),
    };
    match version {
        0x0100 => Ok(big_endian),
        0x0200 => Err("is a MATLAB file of version 7.3 (HDF5); save it with -v7".into()),
        _ => Err(format!(
            "is a MATLAB file of version {version:#06x}; only version 5 (0x0100) is supported"
        )
        .into()),
    }
}

impl Tag {
    fn is_matrix(&self) -> bool {
        self.kind == MATRIX && self.inline.is_none()
    }
}

/// The next tag, or `None` at the end.
fn read_tag(reader: &mut dyn Read, big_endian: bool) -> Result<Option<Tag>, Fault> {
    let mut bytes = [0; 8];
    match read_full(reader, &mut bytes)? {
        0 => return Ok(None),
        8 => {}
        _ => return Err("ends in the middle of an element; download it again".into()),
    }
    let [a, b, c, d, e, f, g, h] = bytes;
    let kind = number([a, b, c, d], big_endian);
    let len = number([e, f, g, h], big_endian);
    let (kind, len, inline) = match kind >> 16 {
        0 => (kind, len, None),
        small => (kind & 0xffff, small, Some([e, f, g, h])),
    };
    Ok(Some(Tag { kind, len, inline }))
}

fn number(bytes: [u8; 4], big_endian: bool) -> u32 {
    if big_endian {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    }
}

fn read_matrix<'a>(reader: &'a mut dyn Read, big_endian: bool) -> Result<Matrix<'a>, Fault> {
    let flags = read_short(reader, big_endian, "flags", 8)?;
    let sizes = read_short(reader, big_endian, "sizes", 4 * MAX_DIMENSIONS)?;
    let name = read_short(reader, big_endian, "name", MAX_NAME_LENGTH)?;
    let name = String::from_utf8_lossy(&name).into_owned();
    let [a, b, c, d, ..] = flags[..] else {
        return Err("has an array without flags".into());
    };
    let flags = number([a, b, c, d], big_endian);
    let shown = name.escape_debug();
    // Classes 6 to 15 are numeric, and bit 11 marks complex numbers.
    if !(6..=15).contains(&(flags & 0xff)) || flags & 0x800 != 0 {
        return Err(format!("variable `{shown}` is not an array of real numbers").into());
    }
    let mut extents = Vec::new();
    for bytes in sizes.as_chunks::<4>().0 {
        match number(*bytes, big_endian).cast_signed() {
            size @ 0.. => extents.push(u64::from(size.cast_unsigned())),
            size => return Err(format!("variable `{shown}` has size {size}").into()),
        }
    }
    let Some(tag) = read_tag(reader, big_endian)? else {
        let message = format!("ends before the values of variable `{shown}`; download it again");
        return Err(message.into());
    };
    let reader: Box<dyn Read + 'a> = match tag.inline {
        Some(_) if tag.len > 4 => return Err("has a short element of more than 4 bytes".into()),
        Some(bytes) => Box::new(io::Cursor::new(bytes).take(tag.len.into())),
        None => Box::new(reader.take(tag.len.into())),
    };
    let values = Values {
        reader,
        bytes: tag.len.into(),
        kind: tag.kind,
        big_endian,
    };
    Ok(Matrix {
        name,
        sizes: extents,
        values,
    })
}

/// Reads one of the elements before the values, with its padding.
fn read_short(
    reader: &mut dyn Read,
    big_endian: bool,
    what: &str,
    most: u32,
) -> Result<Vec<u8>, Fault> {
    let Some(tag) = read_tag(reader, big_endian)? else {
        return Err(format!("ends before the {what} of an array; download it again").into());
    };
    match tag.inline {
        Some(bytes) if tag.len <= 4 => Ok(bytes[..tag.len as usize].to_vec()),
        None if tag.len <= most => {
            let mut bytes = vec![0; tag.len.next_multiple_of(8) as usize];
            if read_full(reader, &mut bytes)? < bytes.len() {
                return Err(format!("ends in the {what} of an array; download it again").into());
            }
            bytes.truncate(tag.len as usize);
            Ok(bytes)
        }
        _ => Err(format!(
            "has an array whose {what} take {} bytes, but at most {most} are allowed",
            tag.len
        )
        .into()),
    }
}

impl Values<'_> {
    /// Whether the values are stored as unsigned bytes.
    pub(crate) fn are_bytes(&self) -> bool {
        self.kind == 2
    }

    /// The next value, of any integer or float type, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<f64>, Fault> {
        let width = match self.kind {
            1 | 2 => 1,
            3 | 4 => 2,
            5..=7 => 4,
            9 | 12 | 13 => 8,
            kind => {
                let message = format!("has values of type {kind}, which is not a numeric type");
                return Err(message.into());
            }
        };
        let mut bytes = [0; 8];
        match read_full(&mut self.reader, &mut bytes[..width])? {
            0 => return Ok(None),
            read if read < width => {
                return Err("ends in the middle of a value; download it again".into());
            }
            _ => {}
        }
        if self.big_endian {
            bytes[..width].reverse();
        }
        let [a, b, c, d, ..] = bytes;
        Ok(Some(match self.kind {
            7 => f32::from_le_bytes([a, b, c, d]).into(),
            9 => f64::from_le_bytes(bytes),
            kind => integer(matches!(kind, 1 | 3 | 5 | 12), &bytes[..width]) as f64,
        }))
    }
}
