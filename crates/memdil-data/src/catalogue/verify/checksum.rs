//! SHA-256 of files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::DataError;

/// Formats bytes as lower-case hexadecimal digits.
///
/// ```
/// assert_eq!(memdil_data::verify::hex(&[0x0f, 0xa0]), "0fa0");
/// ```
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a file; `progress` is called with the number of bytes read so far.
pub(crate) fn sha256_of_file(path: &Path, progress: impl FnMut(u64)) -> Result<String, DataError> {
    File::open(path)
        .and_then(|file| sha256_of(file, progress))
        .map_err(DataError::unreadable(path))
}

/// The SHA-256 of a reader's content; `progress` is called with the number of bytes read so far.
pub(crate) fn sha256_of(
    mut reader: impl Read,
    mut progress: impl FnMut(u64),
) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut done = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(n) => {
                hash.update(&buffer[..n]);
                done += n as u64;
                progress(done);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
