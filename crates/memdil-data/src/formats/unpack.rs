//! Opening files, which may be compressed with gzip, with a limit on their unpacked size.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::formats::gzip::Gzip;
use crate::formats::signature::foreign;

/// Maximum unpacked size of a smaller file, in bytes: more than four times the largest known data
/// set, and small enough for the memory of any machine.
pub(crate) const MAX_UNPACKED: u64 = 1 << 30;
/// Maximum number of labels that a file may claim: a thousand times the largest known data set.
pub(crate) const MAX_LABELS: u64 = 1 << 26;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The content of a file, unpacked if it is gzip. Gzip is detected by content, not by name.
pub(crate) struct Unpacked<'a> {
    pub(crate) reader: Box<dyn Read + 'a>,
    pub(crate) origin: Origin,
}

/// The source of bytes, for errors and for reserving memory.
pub(crate) struct Origin {
    pub(crate) path: PathBuf,
    packed: bool,
    /// Guaranteed number of bytes; 0 if the unpacked size is unknown.
    len: u64,
}

/// An error while reading: of the input itself, or of its content.
pub(crate) enum Fault {
    Read(io::Error),
    Content(String),
}

impl From<io::Error> for Fault {
    fn from(cause: io::Error) -> Self {
        Self::Read(cause)
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::Content(message)
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Self::Content(message.to_owned())
    }
}

/// Opens a file.
///
/// # Errors
/// If the file cannot be read, or is a web page or a Git LFS pointer.
pub(crate) fn open(path: &Path) -> Result<Unpacked<'static>, DataError> {
    let unreadable = DataError::unreadable(path);
    let file = File::open(path).map_err(unreadable)?;
    let len = file.metadata().map_err(unreadable)?.len();
    unpack(BufReader::with_capacity(1 << 16, file), len, path)
}

/// Opens bytes in memory; errors use `name` as the path.
pub(crate) fn from_bytes<'a>(bytes: &'a [u8], name: &str) -> Result<Unpacked<'a>, DataError> {
    unpack(bytes, bytes.len() as u64, Path::new(name))
}

fn unpack<'a>(
    mut bytes: impl BufRead + 'a,
    len: u64,
    path: &Path,
) -> Result<Unpacked<'a>, DataError> {
    let start = bytes.fill_buf().map_err(DataError::unreadable(path))?;
    if let Some(what) = foreign(start) {
        return Err(DataError::malformed(path, what));
    }
    let packed = start.starts_with(&GZIP_MAGIC);
    let reader: Box<dyn Read + 'a> = if packed {
        Box::new(Capped {
            reader: Gzip::new(bytes),
            left: MAX_UNPACKED.max(len),
        })
    } else {
        Box::new(bytes)
    };
    let origin = Origin {
        path: path.to_owned(),
        packed,
        len: if packed { 0 } else { len },
    };
    Ok(Unpacked { reader, origin })
}

impl Origin {
    /// Converts a fault in this file to an error.
    pub(crate) fn error(&self, fault: Fault) -> DataError {
        let path = self.path.clone();
        match fault {
            Fault::Content(message) => DataError::Malformed { path, message },
            Fault::Read(cause) => match cause.kind() {
                ErrorKind::FileTooLarge => DataError::TooLarge {
                    path,
                    ceiling: MAX_UNPACKED,
                },
                _ if self.packed => DataError::DamagedGzip { path, cause },
                ErrorKind::InvalidData
                | ErrorKind::InvalidInput
                | ErrorKind::UnexpectedEof
                | ErrorKind::Other => {
                    DataError::malformed(path, format!("is damaged ({cause}); download it again"))
                }
                _ => DataError::Io { path, cause },
            },
        }
    }

    /// Returns an error if a header claims more than `most` bytes, or more than a file of this size
    /// may unpack to.
    pub(crate) fn check_claim(&self, claimed: u64, most: u64) -> Result<(), DataError> {
        let mut ceilings = [MAX_UNPACKED.max(self.len), most].into_iter();
        match ceilings.find(|&most| claimed > most) {
            None => Ok(()),
            Some(ceiling) => Err(DataError::TooLarge {
                path: self.path.clone(),
                ceiling,
            }),
        }
    }

    /// The part of a claimed size that is safe to reserve: at most the guaranteed bytes.
    pub(crate) fn reserve(&self, claimed: u64) -> usize {
        usize::try_from(claimed.min(self.len)).unwrap_or(0)
    }
}

/// A reader that fails when the input exceeds `left` bytes.
pub(crate) struct Capped<R> {
    pub(crate) reader: R,
    pub(crate) left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(ErrorKind::FileTooLarge.into()),
        }
        Ok(read)
    }
}

/// Reads until the buffer is full or the file ends, and returns the number of bytes read.
pub(crate) fn read_full(reader: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(filled)
}
