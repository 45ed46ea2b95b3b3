//! Members of a `.npz`, which is a ZIP archive.

use std::fmt::Display;
use std::io::{Cursor, Read};
use std::ops::Range;
use std::sync::Arc;

use flate2::Crc;
use zip::{CompressionMethod, ZipArchive};

use super::array::Bytes;
use super::remedy::damaged;
use crate::formats::unpack::CEILING;

/// What a member may unpack to, as a multiple of the whole file, if that is more than 1 GiB.
const MOST_UNPACKED: u64 = 64;

/// NumPy's name of a member: without `.npy`. `None` for folders, for files that are not arrays, and
/// for what macOS adds.
pub(super) fn array_name(name: &str) -> Option<&str> {
    let base = base(name);
    let name = match name.strip_suffix(".npy").or(name.strip_suffix(".NPY")) {
        Some(name) => name,
        None if base.contains('.') || base.is_empty() => return None,
        None => name,
    };
    (!base.starts_with("._")).then_some(name)
}

/// The name of an array without the folders that it lies in.
pub(super) fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// The name of a method of packing (PKWARE, APPNOTE 6.3.10, section 4.4.5).
fn method_name(method: CompressionMethod) -> String {
    let name = match method {
        CompressionMethod::DEFLATE64 => "Deflate64",
        CompressionMethod::BZIP2 => "bzip2",
        CompressionMethod::LZMA => "LZMA",
        CompressionMethod::ZSTD => "Zstandard",
        CompressionMethod::XZ => "xz",
        other => return other.to_string(),
    };
    name.to_owned()
}

/// The bytes of a member and where they lie: in the file itself if they are stored, else unpacked.
/// The checksum is compared either way.
pub(super) fn content(
    mut archive: ZipArchive<Cursor<Bytes>>,
    index: usize,
    file: &Bytes,
) -> Result<(Bytes, Range<usize>), String> {
    let raw = archive.by_index_raw(index).map_err(broken)?;
    let (method, size) = (raw.compression(), raw.size());
    if raw.encrypted() {
        return Err("is encrypted; save it without a password".to_owned());
    }
    if method == CompressionMethod::Stored {
        let (start, checksum) = (raw.data_start(), raw.crc32());
        drop(raw);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
        let Some(member) = file.as_ref().get(start..end) else {
            return Err(broken("a member ends after the file"));
        };
        let mut crc = Crc::new();
        crc.update(member);
        if crc.sum() != checksum {
            return Err(broken("wrong checksum"));
        }
        return Ok((file.clone(), start..end));
    }
    if method != CompressionMethod::Deflated {
        return Err(format!(
            "is packed by {}; stored and deflated are read, so save it again: \
             np.savez_compressed(\"new.npz\", **np.load(\"old.npz\"))",
            method_name(method)
        ));
    }
    let most = CEILING.max(MOST_UNPACKED * file.as_ref().len() as u64);
    if size > most {
        return Err(format!(
            "claims to unpack to {size} bytes, more than a file of this size is trusted with; save it unpacked, np.savez"
        ));
    }
    drop(raw);
    let mut member = archive.by_index(index).map_err(broken)?;
    // Memory grows with what arrives, not with what the archive claims. Reading to the end compares
    // the checksum.
    let mut bytes = Vec::new();
    let read = (&mut member).take(most + 1).read_to_end(&mut bytes);
    read.map_err(broken)?;
    let range = 0..bytes.len();
    Ok((Bytes::Read(Arc::new(bytes)), range))
}

fn broken(cause: impl Display) -> String {
    damaged("npz", &cause)
}
