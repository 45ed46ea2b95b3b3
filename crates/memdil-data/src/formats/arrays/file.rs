//! Files of arrays, distinguished by their extensions and checked against their content.

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

/// An opened file. Arrays of `.npy` and `.safetensors` and stored members of `.npz` are read from
/// the mapped file without a copy; compressed members are unpacked into memory.
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
    /// Maps a file. The file must not change while its arrays are in use.
    ///
    /// # Errors
    /// Returns [`DataError::Array`] if the file does not exist, is empty, has an unknown extension,
    /// or does not match its extension. The message names the actual format if it is recognised.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let bytes = map(path).map_err(at(path.display()))?;
        Self::new(path, bytes)
    }

    /// Reads a file from bytes in memory. The extension of `name` determines the format, and errors
    /// use `name` as the path.
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

    /// Whether the arrays of this file have names.
    pub fn is_archive(&self) -> bool {
        match &self.format {
            Format::Npy | Format::Pickle => false,
            Format::Text(text) => text.names.len() > 1,
            Format::Npz(_) | Format::Safetensors { .. } => true,
        }
    }

    /// The sorted names of the arrays; empty for a `.npy` file or a text file without names.
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

    /// The array of this name, or the only array of a file without names; `None` if an archive does
    /// not hold the name.
    ///
    /// # Errors
    /// Returns [`DataError::Array`] if the array is damaged, too large, or compressed with an
    /// unsupported method.
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

    /// The array with one of the names of a role, read like [`array`](Self::array).
    ///
    /// # Errors
    /// As for [`array`](Self::array).
    pub fn named(&self, role: Role) -> Result<Option<Array>, DataError> {
        let names = self.names();
        for known in role.names() {
            let mut whole = names.iter().filter(|name| name.eq_ignore_ascii_case(known));
            let is_inside = |name: &&String| base(name).eq_ignore_ascii_case(known);
            let mut inside = names.iter().filter(is_inside);
            // If two folders hold an array of this name, the choice is ambiguous.
            let only = inside.next().filter(|_| inside.next().is_none());
            if let Some(name) = whole.next().or(only) {
                return self.array(name);
            }
        }
        Ok(None)
    }

    /// The array for a role: the array with one of the role's names, or the only array of the file
    /// if its name does not belong to another kind of role.
    ///
    /// # Errors
    /// As for [`array`](Self::array).
    pub fn find(&self, role: Role) -> Result<Option<Array>, DataError> {
        if matches!(self.format, Format::Text(_)) && !role.is_labels() {
            let name = role.name();
            return Err(self.error(format!(
                "is a text file, from which only labels are read; save the {name} with np.save(\"a.npy\", a)"
            )));
        }
        match &self.names()[..] {
            [] if !self.is_archive() => self.array(role.name()),
            [only] if role.accepts(base(only)) => self.array(only),
            _ => self.named(role),
        }
    }

    /// The only array that satisfies `is` among the arrays whose names do not belong to any role;
    /// `None` if there are none or several.
    ///
    /// # Errors
    /// As for [`array`](Self::array).
    pub fn only(&self, is: impl Fn(&Array) -> bool) -> Result<Option<Array>, DataError> {
        let mut found = None;
        for name in self.names() {
            if Role::is_known(base(&name)) {
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

    /// The array for a role, which must exist.
    ///
    /// # Errors
    /// As for [`array`](Self::array), and [`DataError::Array`] with the names of the existing
    /// arrays if none of them fits.
    pub fn require(&self, role: Role) -> Result<Array, DataError> {
        self.find(role)?.ok_or_else(|| self.lacks(role.name(), ""))
    }

    /// Creates the error for a missing array; `remedy` is appended to the usual remedy.
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
            format!("has no array {name}: it is empty; save one by that name{remedy}")
        } else if names.len() > 3 && 2 * names.iter().filter(is_weight).count() > names.len() {
            format!(
                "is a checkpoint of weights ({found}) without {name}; run the samples through the network and save \
                 the input of its last layer as features"
            )
        } else {
            format!("has no array {name}: it holds {found}; save one by that name{remedy}")
        };
        self.error(message)
    }

    /// Creates an error about this file.
    pub(crate) fn error(&self, message: String) -> DataError {
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
    /// Determines the format from the extension; an error message if the content does not match.
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
        // With the extension of PyTorch, only a ZIP archive or unknown content counts as
        // torch.save.
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
                "was written by torch.save; load it in PyTorch, d = torch.load(f, map_location=\"cpu\"), and save its tensors by \
                 name, np.savez(\"a.npz\", features=d[\"features\"].detach().float().numpy(), ..)"
                    .to_owned(),
            );
        }
        let is_zip = ending == "npz" && content.starts_with(b"PK");
        if recognised.is_none() && !is_zip {
            if pickle::has_header(content) {
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
                    // The data follow the length of the header and the header itself.
                    start: size_of::<u64>() + length,
                    tensors,
                })
                .map_err(|error| damaged("safetensors", &error)),
            "csv" | "txt" => Text::parse(content).map(Self::Text),
            "pkl" | "pickle" => Ok(Self::Pickle),
            _ => Err("is not named .npy, .npz, .safetensors or, for labels, .csv, .txt or .pkl; rename it to match its format".to_owned()),
        }
    }
}

/// The extension that matches the content of a file.
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

/// Whether the first member of a ZIP archive, or the last one in its directory, is an array.
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
        return Err(
            "is not a regular file, so it cannot be mapped; save the arrays to one".to_owned(),
        );
    }
    if metadata.len() == 0 {
        return Ok(Bytes::Read(Arc::default()));
    }
    // SAFETY: the map is read-only, and this program does not write the file while it is mapped. As
    // with every mapped file, other processes must not change it during that time;
    // `ArrayFile::open` and `memdil metrics --help` document this requirement.
    #[allow(unsafe_code)]
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(unreadable)?;
    Ok(Bytes::Mapped(Arc::new(map)))
}
