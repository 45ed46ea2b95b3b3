//! Opening a file, unpacking gzip on the way, with a ceiling on what comes out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::formats::gzip::Gzip;
use crate::formats::signature::foreign;

/// What a file may unpack to without being that large itself: more than four times the largest data
/// set known here, little enough to survive.
pub(crate) const CEILING: u64 = 1 << 30;
/// The most labels that a file may claim: a thousand times those of the largest data set read here.
pub(crate) const MOST_LABELS: u64 = 1 << 26;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file's content, unpacked if it is gzip: that is told by the content, not by the name.
pub(crate) struct Unpacked<'a> {
    pub(crate) reader: Box<dyn Read + 'a>,
    pub(crate) origin: Origin,
}

/// Where bytes come from, for errors and for reserving memory.
pub(crate) struct Origin {
    pub(crate) path: PathBuf,
    packed: bool,
    /// Bytes there are for certain; 0 if only unpacking will tell.
    len: u64,
}

/// What goes wrong while reading: reading itself, or what is read.
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
/// A file that cannot be read, and a web page or a pointer of Git LFS in its place.
pub(crate) fn open(path: &Path) -> Result<Unpacked<'static>, DataError> {
    let unreadable = DataError::unreadable(path);
    let file = File::open(path).map_err(unreadable)?;
    let len = file.metadata().map_err(unreadable)?.len();
    unpack(BufReader::with_capacity(1 << 16, file), len, path)
}

/// The same for bytes in memory; `name` is the path in errors.
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
            left: CEILING.max(len),
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
    /// The error for a fault in this file.
    pub(crate) fn refuse(&self, fault: Fault) -> DataError {
        let path = self.path.clone();
        match fault {
            Fault::Content(message) => DataError::Malformed { path, message },
            Fault::Read(cause) => match cause.kind() {
                ErrorKind::FileTooLarge => DataError::TooLarge {
                    path,
                    ceiling: CEILING,
                },
                _ if self.packed => DataError::DamagedGzip { path, cause },
                ErrorKind::InvalidData
                | ErrorKind::InvalidInput
                | ErrorKind::UnexpectedEof
                | ErrorKind::Other => {
                    DataError::malformed(path, format!("is damaged ({cause}): get it again"))
                }
                _ => DataError::Io { path, cause },
            },
        }
    }

    /// Refuses a header that claims more bytes than a file of this size may hold, or than there may
    /// be of their kind.
    pub(crate) fn check_claim(&self, claimed: u64, most: u64) -> Result<(), DataError> {
        let mut ceilings = [CEILING.max(self.len), most].into_iter();
        match ceilings.find(|&most| claimed > most) {
            None => Ok(()),
            Some(ceiling) => Err(DataError::TooLarge {
                path: self.path.clone(),
                ceiling,
            }),
        }
    }

    /// How much of what a header claims may be reserved at once: what is there for certain.
    pub(crate) fn reserve(&self, claimed: u64) -> usize {
        usize::try_from(claimed.min(self.len)).unwrap_or(0)
    }
}

/// Gives an error instead of the byte after the last one allowed.
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

/// Reads until the buffer is full or the file ends; the number of bytes read.
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
