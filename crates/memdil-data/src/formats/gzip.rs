//! Gzip files: a sequence of members, optionally padded with zeros.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::bufread::GzDecoder;

/// Unpacks a gzip file. Zeros after the last member are padding, which tapes and some servers add
/// and `gzip` accepts; any other trailing byte is an error.
pub(crate) struct Gzip<R> {
    /// The current member; `None` after the last one.
    member: Option<Box<GzDecoder<R>>>,
}

impl<R: BufRead> Gzip<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            member: Some(Box::new(GzDecoder::new(reader))),
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            let ended = self.member.take();
            self.member = ended.map_or(Ok(None), |member| next_member(member.into_inner()))?;
        }
        Ok(0)
    }
}

/// The next member; `None` if only padding or nothing follows.
fn next_member<R: BufRead>(mut reader: R) -> io::Result<Option<Box<GzDecoder<R>>>> {
    match peek(&mut reader)? {
        None => Ok(None),
        Some(0) => skip_zeros(&mut reader).map(|()| None),
        Some(_) => Ok(Some(Box::new(GzDecoder::new(reader)))),
    }
}

/// Returns the next byte without consuming it.
fn peek(reader: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        match reader.fill_buf() {
            Ok(bytes) => return Ok(bytes.first().copied()),
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

fn skip_zeros(reader: &mut impl BufRead) -> io::Result<()> {
    while peek(reader)?.is_some() {
        let bytes = reader.fill_buf()?;
        if bytes.iter().any(|&byte| byte != 0) {
            let message = "bytes after the last member are neither a gzip member nor zeros";
            return Err(io::Error::new(ErrorKind::InvalidData, message));
        }
        let zeros = bytes.len();
        reader.consume(zeros);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        // The buffer is small so that members and padding cross its boundaries.
        let reader = io::BufReader::with_capacity(7, bytes);
        Gzip::new(reader).read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn members_are_concatenated() {
        let file = [pack(b"one "), pack(b""), pack(b"two")].concat();
        assert_eq!(unpack(&file).unwrap(), b"one two");
    }

    #[test]
    fn zeros_after_the_last_member_are_padding() {
        for zeros in [1, 6, 512, 10_000] {
            let file = [pack(b"content"), vec![0; zeros]].concat();
            assert_eq!(unpack(&file).unwrap(), b"content", "{zeros}");
        }
    }

    #[test]
    fn other_bytes_after_the_last_member_are_an_error() {
        for rest in [&b"\0\0x"[..], b"x", &[0, 0x1f, 0x8b]] {
            let file = [&pack(b"content")[..], rest].concat();
            assert!(unpack(&file).is_err(), "{rest:?}");
        }
    }

    #[test]
    fn a_member_that_ends_early_is_an_error() {
        let file = pack(b"content");
        for length in 0..file.len() {
            assert!(unpack(&file[..length]).is_err(), "{length}");
        }
    }
}
