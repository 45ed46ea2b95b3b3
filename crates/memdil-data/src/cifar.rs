//! CIFAR-10 and CIFAR-100 in their binary version or that for Python, as plain files or in their
//! archive.
//!
//! A file of the binary version is records one after another: one label (CIFAR-10), or a coarse and
//! a fine one (CIFAR-100), each a byte, then the red, the green and the blue plane of 32 x 32 bytes
//! (Krizhevsky 2009). A file of the version for Python is a pickled dictionary with the same
//! labels and planes; it is read without Python and calls nothing. The version is detected
//! from the content, not from the name, and both give the same images in the same order.

mod python;

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::files::{CIFAR_10, CIFAR_100};
use crate::pickle;
use crate::unpack::{self, Fault, Unpacked, read_full};
use crate::{DataError, Images, Split};

const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;

/// Which labels are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// The ten classes of CIFAR-10.
    Cifar10,
    /// The 100 fine classes of CIFAR-100.
    Fine,
    /// The 20 coarse classes of CIFAR-100.
    Coarse,
}

impl Labels {
    /// Labels in a record, which of them is read, and how many classes it tells apart.
    fn record(self) -> (usize, usize, usize) {
        match self {
            Self::Cifar10 => (1, 0, 10),
            Self::Fine => (2, 1, 100),
            Self::Coarse => (2, 0, 20),
        }
    }

    /// Bytes of a record of the binary version.
    pub(crate) fn record_len(self) -> usize {
        self.record().0 + PIXELS
    }

    /// The labels of whole records, whatever they are.
    pub(crate) fn of_records(self, records: &[u8]) -> impl Iterator<Item = u32> {
        let (prefix, which, _) = self.record();
        records
            .chunks_exact(prefix + PIXELS)
            .map(move |record| u32::from(record[which]))
    }

    /// The files of the binary version, the test set last.
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Cifar10 => &CIFAR_10,
            Self::Fine | Self::Coarse => &CIFAR_100,
        }
    }

    /// The place in [`files`](Self::files) of a file of either version; that for Python has the
    /// same names without `.bin`.
    pub(crate) fn number_of(self, name: &OsStr) -> Option<usize> {
        let name = name.to_str()?;
        let stem = name.strip_suffix(".bin").unwrap_or(name);
        self.files()
            .iter()
            .position(|file| file.strip_suffix(".bin") == Some(stem))
    }
}

/// Reads training and test set from what [`find`](crate::files::find) gives: the files in their
/// order, the last one being the test set, or the archive alone.
///
/// # Shapes
/// Images are 3 x 32 x 32.
///
/// # Errors
/// A file that cannot be read, is damaged, ends in the middle of a record, is a pickle of something
/// else or is missing from the archive, and a label out of range, with file and row.
pub fn read(files: &[PathBuf], labels: Labels) -> Result<(Split, Split), DataError> {
    match files {
        [archive] => decode_archive(unpack::open(archive)?, labels),
        [train @ .., test] => Ok((
            read_records(train, labels)?,
            read_records(std::slice::from_ref(test), labels)?,
        )),
        [] => Err(DataError::NotFound {
            name: "CIFAR".to_owned(),
            files: labels.files().join(", "),
            searched: "an empty list of files".to_owned(),
        }),
    }
}

/// Reads one file of either version from bytes in memory, plain or gzip; `name` stands for the path
/// in errors.
///
/// # Errors
/// As for [`read`].
///
/// ```
/// use memdil_data::cifar::{Labels, parse_records};
///
/// let mut record = vec![7];
/// record.extend([50; 3072]);
/// let split = parse_records(&record, Labels::Cifar10, "one record")?;
/// assert_eq!((split.labels, split.images.size()), (vec![7], [3, 32, 32]));
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn parse_records(bytes: &[u8], labels: Labels, name: &str) -> Result<Split, DataError> {
    decode_records(vec![unpack::from_bytes(bytes, name)?], labels)
}

/// Reads an archive from bytes in memory, plain or gzip; `name` stands for the path in errors.
///
/// # Errors
/// As for [`read`].
pub fn parse_archive(
    bytes: &[u8],
    labels: Labels,
    name: &str,
) -> Result<(Split, Split), DataError> {
    decode_archive(unpack::from_bytes(bytes, name)?, labels)
}

fn read_records(files: &[PathBuf], labels: Labels) -> Result<Split, DataError> {
    let opened: Result<Vec<_>, _> = files.iter().map(|path| unpack::open(path)).collect();
    decode_records(opened?, labels)
}

fn decode_records(files: Vec<Unpacked>, labels: Labels) -> Result<Split, DataError> {
    let mut records = Records::new(labels);
    records.expected = files.iter().map(|file| file.origin.reserve(u64::MAX)).sum();
    for mut file in files {
        records
            .append(&mut file.reader, &file.origin.path)
            .map_err(|fault| file.origin.refuse(fault))?;
    }
    records.split()
}

fn decode_archive(file: Unpacked, labels: Labels) -> Result<(Split, Split), DataError> {
    let Unpacked { mut reader, origin } = file;
    let unpacked = read_entries(&mut reader, &origin.path, labels);
    let (train, test) = unpacked.map_err(|fault| origin.refuse(fault))?;
    Ok((train.split()?, test.split()?))
}

/// Reads the entries of a tar archive as they come and puts the training batches into their order.
fn read_entries(
    reader: &mut dyn Read,
    path: &Path,
    labels: Labels,
) -> Result<(Records, Records), Fault> {
    let names = labels.files();
    let mut python = false;
    let test_file = names.len() - 1;
    let (mut train, mut test) = (Records::new(labels), Records::new(labels));
    // Number of the file and images of it, for each one read so far.
    let mut seen: Vec<(usize, usize)> = Vec::new();
    let mut archive = tar::Archive::new(&mut *reader);
    // Raw: what entries of other kinds say is neither believed nor kept in memory.
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let entry_path = entry.path()?.into_owned();
        let Some(number) = entry_path
            .file_name()
            .and_then(|name| labels.number_of(name))
        else {
            continue;
        };
        python |= entry_path.extension().is_none();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if seen.iter().any(|&(other, _)| other == number) {
            return Err(format!("holds {} twice", names[number]).into());
        }
        let target = if number == test_file {
            &mut test
        } else {
            &mut train
        };
        let (size, before) = (entry.size(), target.labels.len());
        let read = target.append(&mut entry, &path.join(&entry_path))?;
        if read < size {
            return Err(format!("ends in the middle of {}: get it again", names[number]).into());
        }
        seen.push((number, target.labels.len() - before));
        if number != test_file {
            let later = seen
                .iter()
                .filter(|&&(other, _)| number < other && other != test_file);
            train.move_last(before, later.map(|&(_, images)| images).sum());
        }
    }
    if let Some(missing) =
        (0..names.len()).find(|number| seen.iter().all(|(other, _)| other != number))
    {
        let name = names[missing];
        return Err(match name.strip_suffix(".bin").filter(|_| python) {
            Some(name) => format!("holds no {name}: get it again").into(),
            None => format!(
                "holds no {name}: is it the data set, in the binary version or that for Python?"
            )
            .into(),
        });
    }
    // Reading on to the end makes the gzip decoder check its checksum.
    io::copy(reader, &mut io::sink())?;
    Ok((train, test))
}

/// What has been read so far.
struct Records {
    kind: Labels,
    labels: Vec<u32>,
    pixels: Vec<u8>,
    /// Bytes of all files, where they are known; the pixels are a little less.
    expected: usize,
}

impl Records {
    fn new(kind: Labels) -> Self {
        Self {
            kind,
            labels: Vec::new(),
            pixels: Vec::new(),
            expected: 0,
        }
    }

    /// Reads a file of either version to the end; the number of bytes read.
    fn append(&mut self, reader: &mut impl Read, path: &Path) -> Result<u64, Fault> {
        let mut start = [0; 3];
        let read = read_full(reader, &mut start)?;
        let mut reader = start[..read].chain(reader);
        if pickle::may_begin(&start[..read]) {
            self.append_batch(&mut reader, path)
        } else {
            self.append_records(&mut reader, path)
        }
    }

    /// Reads a pickled batch.
    fn append_batch(&mut self, reader: &mut impl Read, path: &Path) -> Result<u64, Fault> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        let read = bytes.len();
        let name = path.file_name().unwrap_or(path.as_os_str()).display();
        let mut batch = python::parse(bytes, self.kind)
            .map_err(|message| Fault::Content(format!("{name} {message}")))?;
        self.labels.append(&mut batch.labels);
        if self.pixels.is_empty() && self.expected <= read {
            self.pixels = batch.pixels;
        } else {
            self.reserve();
            self.pixels.append(&mut batch.pixels);
        }
        Ok(read as u64)
    }

    fn reserve(&mut self) {
        if self.pixels.is_empty() {
            self.pixels.reserve_exact(self.expected);
        }
    }

    /// Reads records to the end; the number of bytes read.
    fn append_records(&mut self, reader: &mut impl Read, path: &Path) -> Result<u64, Fault> {
        self.reserve();
        let (prefix, which, classes) = self.kind.record();
        let mut buffer = [0; 2 + PIXELS];
        let record = &mut buffer[..prefix + PIXELS];
        let mut row = 0;
        loop {
            match read_full(reader, record)? {
                0 => break Ok(row * record.len() as u64),
                read if read == record.len() => {}
                read => {
                    return Err(format!(
                        "record {row} of {} has {read} of {} bytes: get it again, and see that it is a file of CIFAR",
                        path.display(),
                        record.len()
                    )
                    .into());
                }
            }
            let label = u32::from(record[which]);
            if label as usize >= classes {
                return Err(format!(
                    "label {label} in record {row} of {} is out of range: labels are below {classes}",
                    path.display()
                )
                .into());
            }
            self.labels.push(label);
            self.pixels.extend_from_slice(&record[prefix..]);
            row += 1;
        }
    }

    /// Moves the images from `start` on before the `later` images that precede them, without a
    /// copy.
    fn move_last(&mut self, start: usize, later: usize) {
        let moved = self.labels.len() - start;
        self.labels[start - later..].rotate_right(moved);
        self.pixels[(start - later) * PIXELS..].rotate_right(moved * PIXELS);
    }

    fn split(mut self) -> Result<Split, DataError> {
        self.pixels.shrink_to_fit();
        Ok(Split {
            images: Images::new(3, SIDE, SIDE, self.pixels)?,
            labels: self.labels,
        })
    }
}
