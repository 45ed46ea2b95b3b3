//! Files of arrays, told apart by their endings and checked against their content.

use std::fs::File;
use std::io::{self, Cursor};
use std::path::Path;
use std::sync::Arc;

use safetensors::SafeTensors;
use safetensors::tensor::{Metadata, TensorInfo};
use zip::ZipArchive;

use super::array::{Array, Bytes, at};
use super::dtype::Dtype;
use super::header::{Header, MAGIC};
use super::member::{self, array_name, base};
use super::remedy::damaged;
use super::role::Role;
use super::text::Text;
use crate::error::DataError;
use crate::formats::names::{printable, shortened};
use crate::formats::pickle;
use crate::formats::signature::{foreign, format_name, is_torch};

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
    Safetensors {
        /// Position of the first element of the first tensor.
        start: usize,
        tensors: Metadata,
    },
    Text(Text),
    Pickle,
}

impl ArrayFile {
    /// Maps a file. It must not change while its arrays are in use.
    ///
    /// # Errors
    /// [`DataError::Array`] for a file that is not there, is empty, has an unknown ending, or is
    /// not what its ending says; it says what the file is where that can be recognised.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let bytes = map(path).map_err(at(path.display()))?;
        Self::new(path, bytes)
    }

    /// Reads a file from bytes in memory; `name` is its path in errors, and its ending says what it
    /// is.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, DataError> {
        Self::new(Path::new(name), Bytes::Read(Arc::new(bytes.to_vec())))
    }

    fn new(path: &Path, bytes: Bytes) -> Result<Self, DataError> {
        let format = Format::of(path, &bytes).map_err(at(path.display()))?;
        let path = path.display().to_string();
        Ok(Self {
            path,
            bytes,
            format,
        })
    }

    /// The path, for messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether arrays have names in this file.
    pub fn is_archive(&self) -> bool {
        match &self.format {
            Format::Npy | Format::Pickle => false,
            Format::Text(text) => text.names.len() > 1,
            Format::Npz(_) | Format::Safetensors { .. } => true,
        }
    }

    /// The names of the arrays, sorted; none in a `.npy` or a text without names.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = match &self.format {
            Format::Npy | Format::Pickle => Vec::new(),
            Format::Npz(archive) => {
                let names = archive.file_names().filter_map(array_name);
                names.map(str::to_owned).collect()
            }
            Format::Safetensors { tensors, .. } => tensors.offset_keys(),
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
            Format::Safetensors { start, tensors } => match tensors.info(name) {
                Some(tensor) => self.tensor(name, *start, tensor).map(Some),
                None => Ok(None),
            },
            Format::Text(text) => self.column(text, name),
            Format::Pickle => {
                let header = Header::plain(Dtype::Objects, Vec::new());
                let range = 0..self.bytes.as_ref().len();
                Array::new(self.path.clone(), header, self.bytes.clone(), range).map(Some)
            }
        }
    }

    /// The array that has one of a role's names, as [`array`](Self::array).
    ///
    /// # Errors
    /// As for [`array`](Self::array).
    pub fn named(&self, role: Role) -> Result<Option<Array>, DataError> {
        let names = self.names();
        for known in role.names() {
            let mut whole = names.iter().filter(|name| name.eq_ignore_ascii_case(known));
            let is_inside = |name: &&String| base(name).eq_ignore_ascii_case(known);
            let mut inside = names.iter().filter(is_inside);
            // Of two folders that hold one, neither is the one that is meant.
            let only = inside.next().filter(|_| inside.next().is_none());
            if let Some(name) = whole.next().or(only) {
                return self.array(name);
            }
        }
        Ok(None)
    }

    /// The array for a purpose: the one that has one of the role's names, else the only array of
    /// the file if its name does not speak for another role.
    ///
    /// # Errors
    /// As for [`array`](Self::array).
    pub fn find(&self, role: Role) -> Result<Option<Array>, DataError> {
        if matches!(self.format, Format::Text(_)) && !role.is_labels() {
            let name = role.name();
            return Err(self.refuse(format!(
                "is a text, from which only labels are read; save the {name} with np.save(\"a.npy\", a)"
            )));
        }
        match &self.names()[..] {
            [] if !self.is_archive() => self.array(role.name()),
            [only] if role.may_be(base(only)) => self.array(only),
            _ => self.named(role),
        }
    }

    /// The only array of a kind among those of an archive whose names no role knows; `None` if there
    /// are none or several.
    ///
    /// # Errors
    /// As for [`array`](Self::array).
    pub fn only(&self, is: impl Fn(&Array) -> bool) -> Result<Option<Array>, DataError> {
        let mut found = None;
        for name in self.names() {
            if Role::knows(base(&name)) {
                continue;
            }
            let array = self.array(&name)?.filter(&is);
            if array.is_some() && found.is_some() {
                return Ok(None);
            }
            found = found.or(array);
        }
        Ok(found)
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
        let endings = [".weight", ".bias", ".running_mean", ".running_var"];
        let is_weight = |name: &&String| endings.iter().any(|ending| name.ends_with(ending));
        let found = shortened(names.iter().map(String::as_str), names.len());
        let message = if !self.is_archive() {
            format!(
                "holds one array without a name, not {name}; save both by name, np.savez(\"a.npz\", {name}=a, ..)"
            )
        } else if names.is_empty() {
            format!("has no array {name}, it is empty; save one by that name{remedy}")
        } else if names.len() > 3 && 2 * names.iter().filter(is_weight).count() > names.len() {
            format!(
                "is a checkpoint of weights ({found}), which holds no {name}; run the samples through the network and save \
                 the input of its last layer as features"
            )
        } else {
            format!("has no array {name}, it holds {found}; save one by that name{remedy}")
        };
        self.refuse(message)
    }

    /// An error about this file.
    pub(crate) fn refuse(&self, message: String) -> DataError {
        at(&self.path)(message)
    }

    fn place(&self, name: &str) -> String {
        format!("{}: {}", self.path, printable(name))
    }

    fn member(
        &self,
        archive: &ZipArchive<Cursor<Bytes>>,
        name: &str,
    ) -> Result<Option<Array>, DataError> {
        let place = self.place(name);
        let Some(index) = (0..archive.len())
            .find(|&index| archive.name_for_index(index).and_then(array_name) == Some(name))
        else {
            return Ok(None);
        };
        let content = member::content(archive.clone(), index, &self.bytes);
        let (bytes, range) = content.map_err(at(&place))?;
        Array::of_npy(place, bytes, range).map(Some)
    }

    fn tensor(&self, name: &str, start: usize, tensor: &TensorInfo) -> Result<Array, DataError> {
        let (first, end) = tensor.data_offsets;
        let header = Header::plain(Dtype::of_tensor(tensor.dtype), tensor.shape.clone());
        let range = start + first..start + end;
        Array::new(self.place(name), header, self.bytes.clone(), range)
    }

    fn column(&self, text: &Text, name: &str) -> Result<Option<Array>, DataError> {
        let column = match &text.names[..] {
            [] | [_] => 0,
            names => match names.iter().position(|other| other == name) {
                Some(column) => column,
                None => return Ok(None),
            },
        };
        let labels = text.column(column).map_err(at(&self.path))?;
        Array::of_labels(self.path.clone(), &labels).map(Some)
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
        if let Some(what) = foreign(content) {
            return Err(what.to_owned());
        }
        // Only a ZIP archive or an unknown content may be PyTorch's whatever its first member is.
        let recognised = recognise(content);
        let unsure = matches!(recognised, None | Some("npz"));
        let torch = is_torch(content) || unsure && matches!(&*ending, "pt" | "pth");
        if let Some(found) = recognised.filter(|found| *found != ending && !torch) {
            return Err(match &*ending {
                "" => format!("is a .{found} file; add .{found} to its name"),
                _ => format!("is a .{found} file named .{ending}; rename it to .{found}"),
            });
        }
        if torch {
            return Err(
                "is a file of torch.save; load it in PyTorch, d = torch.load(f, map_location=\"cpu\"), and save its tensors by \
                 name, np.savez(\"a.npz\", features=d[\"features\"].detach().float().numpy(), ..)"
                    .to_owned(),
            );
        }
        let is_zip = ending == "npz" && content.starts_with(b"PK");
        if recognised.is_none() && !is_zip {
            if pickle::begins(content) {
                return Ok(Self::Pickle);
            }
            if let Some(other) = format_name(content) {
                return Err(format!(
                    "is {other}, from which arrays are not read; load it in Python and save the array with \
                     np.save(\"a.npy\", a)"
                ));
            }
        }
        match &*ending {
            "npy" => Ok(Self::Npy),
            "npz" => ZipArchive::new(Cursor::new(bytes.clone()))
                .map(Self::Npz)
                .map_err(|error| damaged("npz", &error)),
            "safetensors" => SafeTensors::read_metadata(content)
                .map(|(length, tensors)| Self::Safetensors {
                    // Behind the length of the header and the header itself.
                    start: size_of::<u64>() + length,
                    tensors,
                })
                .map_err(|error| damaged("safetensors", &error)),
            "csv" | "txt" => Text::parse(content).map(Self::Text),
            "pkl" | "pickle" => Ok(Self::Pickle),
            _ => Err("is named neither .npy, .npz, .safetensors nor, for labels, .csv, .txt or .pkl; rename it to what it is".to_owned()),
        }
    }
}

/// The ending that belongs to a file by its first bytes.
fn recognise(content: &[u8]) -> Option<&'static str> {
    if content.starts_with(MAGIC) {
        Some("npy")
    } else if content.starts_with(b"PK\x03\x04") && holds_npy(content) {
        Some("npz")
    } else if content.get(7..9) == Some(b"\0{") {
        Some("safetensors")
    } else {
        None
    }
}

/// Whether the first member of a ZIP archive, or the last that its directory lists, is an array.
fn holds_npy(content: &[u8]) -> bool {
    let start = &content[..content.len().min(512)];
    let end = &content[content.len().saturating_sub(512)..];
    let mut names = start.windows(4).chain(end.windows(4));
    names.any(|name| name.eq_ignore_ascii_case(b".npy"))
}

fn map(path: &Path) -> Result<Bytes, String> {
    let unreadable = |error: io::Error| format!("cannot be read ({error}); check the path");
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err("is a folder, not a file of arrays; name the file in it".to_owned());
    }
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
