//! ZIP archives as NumPy writes them: just enough to stream one entry after the other.
//!
//! The last bytes say where the directory is; the directory says of each entry its name, method,
//! checksum, lengths and place; there a short header precedes the content (PKWARE, APPNOTE 6.3.10).
//! Lengths that 32 bits cannot hold are in 64-bit fields. Nothing is reserved for what a directory
//! merely claims.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::unpack::Fault;

const END: [u8; 4] = *b"PK\x05\x06";
const END_64_PLACE: [u8; 4] = *b"PK\x06\x07";
const END_64: [u8; 4] = *b"PK\x06\x06";
const DIRECTORY_ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL_HEADER: [u8; 4] = *b"PK\x03\x04";

const END_LEN: usize = 22;
/// A comment of at most 65535 bytes may follow the end.
const LONGEST_END: u64 = END_LEN as u64 + 0xffff;
/// A directory of thousands of arrays; the arrays read here are six.
const LONGEST_DIRECTORY: u64 = 1 << 20;

/// One entry, as the directory describes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    name: String,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    offset: u64,
}

impl Entry {
    /// Whether the content lies in the file as it is.
    pub(crate) fn is_stored(&self) -> bool {
        self.method == 0
    }
}

/// An opened archive.
pub(crate) struct Archive<R> {
    file: R,
    /// Its size.
    pub(crate) len: u64,
    entries: Vec<Entry>,
}

impl<R: Read + Seek> Archive<R> {
    pub(crate) fn new(mut file: R) -> Result<Self, Fault> {
        let len = file.seek(SeekFrom::End(0))?;
        let entries = entries(&mut file, len)?;
        Ok(Self { file, len, entries })
    }

    /// The entry of the array with this name.
    pub(crate) fn find(&self, name: &str) -> Option<Entry> {
        let is_it = |entry: &&Entry| entry.name.strip_suffix(".npy").unwrap_or(&entry.name) == name;
        self.entries.iter().find(is_it).cloned()
    }

    /// The content of an entry; the read that finds the end also checks length and checksum.
    pub(crate) fn open(&mut self, entry: &Entry) -> Result<Box<dyn Read + '_>, Fault> {
        let file = &mut self.file;
        let header = bytes_at(file, entry.offset, 30)?;
        let flags = u16_at(&header, 6);
        let (Some(name_len), Some(extra_len), true) = (
            u16_at(&header, 26),
            u16_at(&header, 28),
            header.starts_with(&LOCAL_HEADER),
        ) else {
            return Err("is not where the directory says: get the file again".into());
        };
        if flags.is_some_and(|flags| flags & 1 == 1) {
            return Err("is encrypted".into());
        }
        file.seek_relative(i64::from(name_len) + i64::from(extra_len))?;
        let content = file.take(entry.packed);
        let (left, crc) = (entry.size, entry.crc);
        match entry.method {
            0 => Ok(Box::new(Checked {
                content,
                left,
                crc,
                sum: Crc::new(),
            })),
            8 => Ok(Box::new(Checked {
                content: DeflateDecoder::new(content),
                left,
                crc,
                sum: Crc::new(),
            })),
            method => {
                Err(format!("is packed by method {method}: stored and deflated are read").into())
            }
        }
    }
}

/// The entries of an archive of `len` bytes.
fn entries(file: &mut (impl Read + Seek), len: u64) -> Result<Vec<Entry>, Fault> {
    let (size, offset) = directory(file, len)?;
    if size > LONGEST_DIRECTORY {
        return Err(format!(
            "has a directory of {size} bytes: at most {LONGEST_DIRECTORY} are read"
        )
        .into());
    }
    let bytes = bytes_at(file, offset, size)?;
    let mut rest = &bytes[..];
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (entry, after) = entry(rest).ok_or("has a damaged directory: get it again")?;
        entries.push(entry);
        rest = after;
    }
    Ok(entries)
}

/// Length and place of the directory.
fn directory(file: &mut (impl Read + Seek), len: u64) -> Result<(u64, u64), Fault> {
    let tail_start = len.saturating_sub(LONGEST_END);
    let tail = bytes_at(file, tail_start, len - tail_start)?;
    let is_end = |at: &usize| {
        tail[*at..].starts_with(&END)
            && u16_at(&tail, at + 20) == u16::try_from(tail.len() - at - END_LEN).ok()
    };
    let Some(at) = (0..(tail.len() + 1).saturating_sub(END_LEN))
        .rev()
        .find(is_end)
    else {
        return Err("is no .npz file, or not all of one: a ZIP archive's end is missing".into());
    };
    let (Some(size), Some(offset)) = (u32_at(&tail, at + 12), u32_at(&tail, at + 16)) else {
        return Err("has a damaged directory: get it again".into());
    };
    if size < u32::MAX && offset < u32::MAX {
        return Ok((size.into(), offset.into()));
    }
    let damaged = || Fault::from("has a damaged 64-bit directory: get it again");
    let place = (tail_start + at as u64)
        .checked_sub(20)
        .ok_or_else(damaged)?;
    let place = bytes_at(file, place, 20)?;
    let end = u64_at(&place, 8)
        .filter(|_| place.starts_with(&END_64_PLACE))
        .ok_or_else(damaged)?;
    let end = bytes_at(file, end, 56)?;
    match (u64_at(&end, 40), u64_at(&end, 48)) {
        (Some(size), Some(offset)) if end.starts_with(&END_64) => Ok((size, offset)),
        _ => Err(damaged()),
    }
}

/// The first entry of a directory, and what follows it.
fn entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    bytes.strip_prefix(&DIRECTORY_ENTRY)?;
    let len = |at| u16_at(bytes, at).map(usize::from);
    let (name_end, extra_len, comment_len) = (46 + len(28)?, len(30)?, len(32)?);
    let name = String::from_utf8_lossy(bytes.get(46..name_end)?).into_owned();
    let extra = bytes.get(name_end..name_end + extra_len)?;
    let mut wide = wide_fields(extra);
    // In this order, and only where the 32-bit field is full.
    let mut field = |at| match u32_at(bytes, at)? {
        u32::MAX => wide.next(),
        number => Some(u64::from(number)),
    };
    let (size, packed, offset) = (field(24)?, field(20)?, field(42)?);
    let entry = Entry {
        name,
        method: u16_at(bytes, 10)?,
        crc: u32_at(bytes, 16)?,
        packed,
        size,
        offset,
    };
    Some((entry, bytes.get(name_end + extra_len + comment_len..)?))
}

/// The numbers of the extra field for 64 bits, which has the identifier 1.
fn wide_fields(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut wide: &[u8] = &[];
    while let (Some(id), Some(len)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let Some((content, after)) = extra[4..].split_at_checked(len.into()) else {
            break;
        };
        if id == 1 {
            wide = content;
        }
        extra = after;
    }
    wide.as_chunks()
        .0
        .iter()
        .map(|bytes| u64::from_le_bytes(*bytes))
}

/// Content whose length and checksum are checked at its end.
struct Checked<R> {
    content: R,
    left: u64,
    crc: u32,
    sum: Crc,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.sum.update(&buffer[..read]);
        let damage = |what| Err(io::Error::new(ErrorKind::InvalidData, what));
        match self.left.checked_sub(read as u64) {
            None => return damage("more bytes than its directory says"),
            Some(left) => self.left = left,
        }
        if read == 0 && !buffer.is_empty() {
            if self.left > 0 {
                return damage("fewer bytes than its directory says");
            }
            if self.sum.sum() != self.crc {
                return damage("wrong checksum");
            }
        }
        Ok(read)
    }
}

/// Bytes of the file from a place on; all of them or an error.
fn bytes_at(file: &mut (impl Read + Seek), place: u64, len: u64) -> Result<Vec<u8>, Fault> {
    file.seek(SeekFrom::Start(place))?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < len {
        return Err("ends before its directory says: get it again".into());
    }
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|bytes| u64::from_le_bytes(*bytes))
}
