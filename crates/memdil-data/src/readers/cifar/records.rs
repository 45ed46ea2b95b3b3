//! Accumulating labels and pixels, file by file.

use std::io::Read;
use std::path::Path;

use super::labels::{Labels, PIXELS, SIDE};
use super::python;
use crate::error::DataError;
use crate::formats::pickle;
use crate::formats::unpack::{Fault, read_full};
use crate::images::{Images, Split};

/// The labels and pixels read so far.
pub(super) struct Records {
    kind: Labels,
    pub(super) labels: Vec<u32>,
    pixels: Vec<u8>,
    /// Total bytes of all files, or 0 if unknown; slightly more than the number of pixels.
    pub(super) expected: usize,
}

impl Records {
    pub(super) fn new(kind: Labels) -> Self {
        Self {
            kind,
            labels: Vec::new(),
            pixels: Vec::new(),
            expected: 0,
        }
    }

    /// Reads a file of either version to the end and returns the number of bytes read.
    pub(super) fn append(&mut self, reader: &mut impl Read, path: &Path) -> Result<u64, Fault> {
        let mut start = [0; 3];
        let read = read_full(reader, &mut start)?;
        let mut reader = start[..read].chain(reader);
        if pickle::may_be_pickle(&start[..read]) {
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
        let (labels, mut pixels) = python::parse(bytes, self.kind)
            .map_err(|message| Fault::Content(format!("{name} {message}")))?;
        self.labels.extend(labels);
        if self.pixels.is_empty() && self.expected <= read {
            self.pixels = pixels;
        } else {
            self.reserve();
            self.pixels.append(&mut pixels);
        }
        Ok(read as u64)
    }

    fn reserve(&mut self) {
        if self.pixels.is_empty() {
            self.pixels.reserve_exact(self.expected);
        }
    }

    /// Reads records to the end and returns the number of bytes read.
    fn append_records(&mut self, reader: &mut impl Read, path: &Path) -> Result<u64, Fault> {
        self.reserve();
        let (path, (prefix, which, classes)) = (path.display(), self.kind.record());
        let mut buffer = [0; 2 + PIXELS];
        let record = &mut buffer[..prefix + PIXELS];
        let mut row = 0;
        loop {
            match read_full(reader, record)? {
                0 => break Ok(row * record.len() as u64),
                read if read == record.len() => {}
                read => {
                    let message = format!(
                        "record {row} of {path} has {read} of {} bytes; download it again, and check that it is a file of CIFAR",
                        record.len()
                    );
                    return Err(message.into());
                }
            }
            let label = u32::from(record[which]);
            if label as usize >= classes {
                let message = format!(
                    "label {label} in record {row} of {path} is out of range: labels must be below {classes}"
                );
                return Err(message.into());
            }
            self.labels.push(label);
            self.pixels.extend_from_slice(&record[prefix..]);
            row += 1;
        }
    }

    /// Moves the images from `start` to the end in front of the preceding `later` images, in place.
    pub(super) fn move_last(&mut self, start: usize, later: usize) {
        let moved = self.labels.len() - start;
        self.labels[start - later..].rotate_right(moved);
        self.pixels[(start - later) * PIXELS..].rotate_right(moved * PIXELS);
    }

    pub(super) fn split(mut self) -> Result<Split, DataError> {
        self.pixels.shrink_to_fit();
        Ok(Split {
            images: Images::new(3, SIDE, SIDE, self.pixels)?,
            labels: self.labels,
        })
    }
}
