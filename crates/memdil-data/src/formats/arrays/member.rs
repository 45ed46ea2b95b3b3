//! Members of a `.npz` file, which is a ZIP archive.

use std::fmt::Display;
use std::io::{Cursor, Read};
use std::ops::Range;
use std::sync::Arc;

use flate2::Crc;
use zip::{CompressionMethod, ZipArchive};

use super::array::Bytes;
use super::remedy::damaged;
use crate::formats::unpack::MAX_UNPACKED;

/// Maximum unpacked size of a member as a multiple of the file size; 1 GiB is always allowed.
const MAX_RATIO: u64 = 64;

/// NumPy's name of a member, which omits `.npy`. `None` for folders, for files that are not arrays,
/// and for metadata files of macOS.
pub(super) fn array_name(name: &str) -> Option<&str> {
    let base = base(name);
    let name = match name.strip_suffix(".npy").or(name.strip_suffix(".NPY")) {
        Some(name) => name,
        None if base.contains('.') || base.is_empty() => return None,
        None => name,
    };
    (!base.starts_with("._")).then_some(name)
}

/// The name of an array without its folders.
pub(super) fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// The name of a compression method (PKWARE, APPNOTE 6.3.10, section 4.4.5).
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

/// The bytes of a member and their range: in the file itself if the member is stored, otherwise in
/// an unpacked copy. The checksum is verified in both cases.
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
            "is compressed with {}, but only stored and deflated members are read; save it again, \
             np.savez_compressed(\"new.npz\", **np.load(\"old.npz\"))",
            method_name(method)
        ));
    }
    let most = MAX_UNPACKED.max(MAX_RATIO * file.as_ref().len() as u64);
    if size > most {
        return Err(format!(
            "claims to unpack to {size} bytes, more than is allowed for a file of this size; save it uncompressed, np.savez"
        ));
    }
    drop(raw);
    let mut member = archive.by_index(index).map_err(broken)?;
    // Memory grows with the bytes read, not with the claimed size. The checksum is compared at the
    // end of the member.
    let mut bytes = Vec::new();
    let read = (&mut member).take(most + 1).read_to_end(&mut bytes);
    read.map_err(broken)?;
    let range = 0..bytes.len();
    Ok((Bytes::Read(Arc::new(bytes)), range))
}

fn broken(cause: impl Display) -> String {
    damaged("npz", &cause)
}
