//! Files of arrays, told apart by their endings and checked against their content.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::Crc;
use safetensors::SafeTensors;
use zip::{CompressionMethod, ZipArchive};

use super::array::{Array, Bytes};
use super::header::MAGIC;
use super::labels::Text;
use super::{Dtype, Role, remedy};
use crate::DataError;
use crate::unpack::CEILING;

/// What a member may unpack to, as a multiple of the whole file, if that is more than 1 GiB.
const MOST_UNPACKED: u64 = 64;

/// An opened file. Arrays of `.npy`, `.safetensors` and stored members of `.npz` stay where they
/// lie in the mapped file; packed members are unpacked.
pub struct ArrayFile {
    path: String,
    bytes: Bytes,
    format: Format,
}

enum Format {
    Npy,
    Npz(ZipArchive<Cursor<Bytes>>),
    Safetensors,
    Text(Text),
}

impl ArrayFile {
    /// Maps a file. It must not change while its arrays are in use.
    ///
    /// # Errors
    /// [`DataError::Array`] for a file that is not there, is empty, has an unknown ending, or is
    /// not what its ending says; it says what the file is where that can be recognised.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let place = path.display().to_string();
        match map(path).and_then(|bytes| Format::of(path, &bytes).map(|format| (bytes, format))) {
            Ok((bytes, format)) => Ok(Self {
                path: place,
                bytes,
                format,
            }),
            Err(message) => Err(DataError::Array { place, message }),
        }
    }

    /// Reads a file from bytes in memory; `name` is its path in errors, and its ending says what it
    /// is.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, DataError> {
        let bytes = Bytes::Read(Arc::new(bytes.to_vec()));
        let path = name.to_owned();
        match Format::of(Path::new(name), &bytes) {
            Ok(format) => Ok(Self {
                path,
                bytes,
                format,
            }),
            Err(message) => Err(DataError::Array {
                place: path,
                message,
            }),
        }
    }

    /// The path, for messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether arrays have names in this file.
    pub fn is_archive(&self) -> bool {
        match &self.format {
            Format::Npy => false,
            Format::Text(text) => text.names.len() > 1,
            Format::Npz(_) | Format::Safetensors => true,
        }
    }

    /// The names of the arrays, sorted; none in a `.npy` or a text without names.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = match &self.format {
            Format::Npy => Vec::new(),
            Format::Npz(archive) => archive.file_names().map(member_name).collect(),
            Format::Safetensors => match SafeTensors::deserialize(self.bytes.as_ref()) {
                Ok(tensors) => tensors.names().into_iter().map(str::to_owned).collect(),
                Err(_) => Vec::new(),
            },
            Format::Text(text) => text.names.clone(),
        };
        names.sort();
        names
    }

    /// The array of this name, or the only one of a file whose arrays have no names; `None` if an
    /// archive has none of this name.
    ///
    /// # Errors
    /// [`DataError::Array`] for an array that is damaged, packed by a method that is not read, or
    /// too large.
    pub fn array(&self, name: &str) -> Result<Option<Array>, DataError> {
        match &self.format {
            Format::Npy => {
                let range = 0..self.bytes.as_ref().len();
                Array::of_npy(self.path.clone(), self.bytes.clone(), range).map(Some)
            }
            Format::Npz(archive) => self.member(archive, name),
            Format::Safetensors => self.tensor(name),
            Format::Text(text) => self.column(text, name),
        }
    }

    /// The array that has one of a role's names, as [`array`](Self::array).
    ///
    /// # Errors
    /// As for [`array`](Self::array).
    pub fn named(&self, role: Role) -> Result<Option<Array>, DataError> {
        let names = self.names();
        let known = role
            .names()
            .iter()
            .find_map(|known| names.iter().find(|name| name.eq_ignore_ascii_case(known)));
        match known {
            Some(name) => self.array(name),
            None => Ok(None),
        }
    }

    /// The array for a purpose: the one that has one of the role's names, else the only array of
    /// the file if its name does not speak for another role.
    ///
    /// # Errors
    /// As for [`array`](Self::array).
    pub fn find(&self, role: Role) -> Result<Option<Array>, DataError> {
        if matches!(self.format, Format::Text(_)) && !role.is_labels() {
            return Err(DataError::Array {
                place: self.path.clone(),
                message: format!(
                    "is a text, from which only labels are read; save the {} with np.save(\"a.npy\", a)",
                    role.name()
                ),
            });
        }
        match &self.names()[..] {
            [] if !self.is_archive() => self.array(role.name()),
            [only] if !Role::knows(only) => self.array(only),
            _ => self.named(role),
        }
    }

    /// The array for a purpose, which has to be there.
    ///
    /// # Errors
    /// As for [`array`](Self::array), and [`DataError::Array`] with the names that are there if
    /// none fits.
    pub fn require(&self, role: Role) -> Result<Array, DataError> {
        self.find(role)?.ok_or_else(|| self.lacks(role.name(), ""))
    }

    /// The error for an array that an archive does not hold; `remedy` follows the usual one.
    pub fn lacks(&self, name: &str, remedy: &str) -> DataError {
        let names = self.names();
        let is_weight = |name: &&String| {
            [".weight", ".bias", ".running_mean", ".running_var"]
                .iter()
                .any(|ending| name.ends_with(ending))
        };
        let message = if names.is_empty() {
            format!("has no array {name}, it is empty; save one by that name{remedy}")
        } else if names.len() > 3 && 2 * names.iter().filter(is_weight).count() > names.len() {
            format!(
                "is a checkpoint of weights ({}), which holds no {name}; run the samples through the network and save \
                 the input of its last layer as features",
                remedy::shortened(&names)
            )
        } else {
            format!(
                "has no array {name}, it holds {}; save one by that name{remedy}",
                remedy::shortened(&names)
            )
        };
        DataError::Array {
            place: self.path.clone(),
            message,
        }
    }

    fn place(&self, name: &str) -> String {
        format!("{}: {name}", self.path)
    }

    fn member(
        &self,
        archive: &ZipArchive<Cursor<Bytes>>,
        name: &str,
    ) -> Result<Option<Array>, DataError> {
        let place = self.place(name);
        let Some(index) = (0..archive.len())
            .find(|&index| archive.name_for_index(index).map(member_name).as_deref() == Some(name))
        else {
            return Ok(None);
        };
        match content(archive.clone(), index, &self.bytes) {
            Ok((bytes, range)) => Array::of_npy(place, bytes, range).map(Some),
            Err(message) => Err(DataError::Array { place, message }),
        }
    }

    fn tensor(&self, name: &str) -> Result<Option<Array>, DataError> {
        let bytes = self.bytes.as_ref();
        let Ok(tensors) = SafeTensors::deserialize(bytes) else {
            return Ok(None);
        };
        let Ok(tensor) = tensors.tensor(name) else {
            return Ok(None);
        };
        let start = tensor.data().as_ptr().addr() - bytes.as_ptr().addr();
        let range = start..start + tensor.data().len();
        let (dtype, shape) = (Dtype::of_tensor(tensor.dtype()), tensor.shape().to_vec());
        Array::of_tensor(self.place(name), dtype, shape, self.bytes.clone(), range).map(Some)
    }

    fn column(&self, text: &Text, name: &str) -> Result<Option<Array>, DataError> {
        let column = match &text.names[..] {
            [] | [_] => Some(0),
            names => names.iter().position(|other| other == name),
        };
        let Some(column) = column else {
            return Ok(None);
        };
        match text.column(column) {
            Ok(labels) => Ok(Some(Array::of_labels(self.path.clone(), &labels))),
            Err(message) => Err(DataError::Array {
                place: self.path.clone(),
                message,
            }),
        }
    }
}

impl Format {
    /// What a file is by its ending, if its content agrees; else the reason why it is not.
    fn of(path: &Path, bytes: &Bytes) -> Result<Self, String> {
        let content = bytes.as_ref();
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        let ending = ending.to_ascii_lowercase();
        if content.is_empty() && !matches!(&*ending, "csv" | "txt") {
            return Err("is empty, 0 bytes; save the array again".to_owned());
        }
        if let Some(found) = recognise(content).filter(|found| *found != ending) {
            return Err(match found {
                "npy" | "npz" | "safetensors" if !ending.is_empty() => {
                    format!("is a .{found} file named .{ending}; rename it to .{found}")
                }
                "npy" | "npz" | "safetensors" => {
                    format!("is a .{found} file; add .{found} to its name")
                }
                other => other.to_owned(),
            });
        }
        match &*ending {
            "npy" => Ok(Self::Npy),
            "npz" => ZipArchive::new(Cursor::new(bytes.clone()))
                .map(Self::Npz)
                .map_err(|error| damaged("npz", &error)),
            "safetensors" => SafeTensors::deserialize(content)
                .map(|_| Self::Safetensors)
                .map_err(|error| damaged("safetensors", &error)),
            "csv" | "txt" => Text::parse(content).map(Self::Text),
            _ => Err("is named neither .npy, .npz, .safetensors nor, for labels, .csv; rename it to what it is".to_owned()),
        }
    }
}

/// What a file is by its first bytes: the ending that belongs to it, or, if it is not read here,
/// what it is and what to do.
fn recognise(content: &[u8]) -> Option<&'static str> {
    let starts = |start: &[u8]| content.starts_with(start);
    let is_torch = || {
        content
            .windows(9)
            .take(512)
            .any(|name| name == b"/data.pkl")
    };
    if starts(MAGIC) {
        Some("npy")
    } else if starts(b"PK\x03\x04") && is_torch() {
        Some(
            "is a file of torch.save; save the tensor with np.save(\"a.npy\", a.float().cpu().numpy())",
        )
    } else if starts(b"PK\x03\x04") {
        Some("npz")
    } else if content.get(8) == Some(&b'{') && content.get(7) == Some(&0) {
        Some("safetensors")
    } else {
        None
    }
}

/// NumPy's name of a member: without folders and without `.npy`.
fn member_name(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.strip_suffix(".npy").unwrap_or(name).to_owned()
}

fn damaged(format: &str, cause: &dyn std::fmt::Display) -> String {
    let cause = cause.to_string();
    let cause: Vec<&str> = cause.split_whitespace().collect();
    format!(
        "is not a complete .{format} file ({}); save it again",
        cause.join(" ")
    )
}

fn map(path: &Path) -> Result<Bytes, String> {
    let unreadable = |error: io::Error| format!("cannot be read ({error}); check the path");
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("is not a plain file, from which arrays are mapped; save one".to_owned());
    }
    if metadata.len() == 0 {
        return Ok(Bytes::Read(Arc::default()));
    }
    // SAFETY: the map is read-only and private to this program, which does not write the file while
    // it reads. As with every mapped file, another process must not change it meanwhile;
    // `ArrayFile::open` and `memdil metrics --help` say so.
    #[allow(unsafe_code)]
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(unreadable)?;
    Ok(Bytes::Mapped(Arc::new(map)))
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
fn content(
    mut archive: ZipArchive<Cursor<Bytes>>,
    index: usize,
    file: &Bytes,
) -> Result<(Bytes, std::ops::Range<usize>), String> {
    let raw = archive
        .by_index_raw(index)
        .map_err(|error| damaged("npz", &error))?;
    let (method, size) = (raw.compression(), raw.size());
    if raw.encrypted() {
        return Err("is encrypted; save it without a password".to_owned());
    }
    if method == CompressionMethod::Stored {
        let range = usize::try_from(raw.data_start())
            .ok()
            .zip(usize::try_from(size).ok())
            .and_then(|(start, size)| Some(start..start.checked_add(size)?));
        let checksum = raw.crc32();
        drop(raw);
        let member = range.clone().and_then(|range| file.as_ref().get(range));
        let (Some(range), Some(member)) = (range, member) else {
            return Err(damaged("npz", &"a member ends after the file"));
        };
        let mut crc = Crc::new();
        crc.update(member);
        if crc.sum() != checksum {
            return Err(damaged("npz", &"wrong checksum"));
        }
        return Ok((file.clone(), range));
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
    let mut member = archive
        .by_index(index)
        .map_err(|error| damaged("npz", &error))?;
    // Memory grows with what arrives, not with what the archive claims. Reading to the end compares
    // the checksum.
    let mut bytes = Vec::new();
    (&mut member)
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| damaged("npz", &error))?;
    let range = 0..bytes.len();
    Ok((Bytes::Read(Arc::new(bytes)), range))
}
