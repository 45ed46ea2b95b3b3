//! MATLAB v5 files, written from MathWorks' description of the format.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// The byte order and compression of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) big_endian: bool,
    pub(crate) compressed: bool,
}

pub(crate) const STYLES: [Style; 4] = [
    Style {
        big_endian: false,
        compressed: true,
    },
    Style {
        big_endian: false,
        compressed: false,
    },
    Style {
        big_endian: true,
        compressed: true,
    },
    Style {
        big_endian: true,
        compressed: false,
    },
];

impl Style {
    pub(crate) fn number(self, number: u32) -> [u8; 4] {
        if self.big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    /// An element, stored in its tag if it fits, otherwise padded to 8 bytes.
    fn element(self, kind: u32, content: &[u8]) -> Vec<u8> {
        let len = content.len() as u32;
        let mut element = if (1..=4).contains(&len) {
            self.number(len << 16 | kind).to_vec()
        } else {
            [self.number(kind), self.number(len)].concat()
        };
        element.extend(content);
        element.resize(element.len().next_multiple_of(8), 0);
        element
    }

    /// A numeric variable with its class, sizes and name, and values stored as the given type.
    pub(crate) fn variable(
        self,
        name: &str,
        class: u32,
        sizes: &[u32],
        kind: u32,
        values: &[u8],
    ) -> Vec<u8> {
        let flags = [self.number(class), self.number(0)].concat();
        let sizes: Vec<u8> = sizes.iter().flat_map(|&size| self.number(size)).collect();
        let parts = [
            self.element(6, &flags),
            self.element(5, &sizes),
            self.element(1, name.as_bytes()),
            self.element(kind, values),
        ]
        .concat();
        let matrix = [
            &self.number(14)[..],
            &self.number(parts.len() as u32),
            &parts,
        ]
        .concat();
        if !self.compressed {
            return matrix;
        }
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&matrix).unwrap();
        let packed = encoder.finish().unwrap();
        [
            &self.number(15)[..],
            &self.number(packed.len() as u32),
            &packed,
        ]
        .concat()
    }

    /// A file of a header and variables.
    pub(crate) fn file(self, variables: &[Vec<u8>]) -> Vec<u8> {
        let mut file = b"MATLAB 5.0 MAT-file, written by a test".to_vec();
        file.resize(124, b' ');
        file.extend(if self.big_endian {
            *b"\x01\x00MI"
        } else {
            *b"\x00\x01IM"
        });
        file.extend(variables.concat());
        file
    }

    /// SVHN's variable of images: pixel (row, column, channel) of image i is
    /// `pixel(i, channel, row, column)`.
    pub(crate) fn images(
        self,
        n: usize,
        pixel: impl Fn(usize, usize, usize, usize) -> u8,
    ) -> Vec<u8> {
        let mut values = Vec::new();
        for i in 0..n {
            for channel in 0..3 {
                for column in 0..32 {
                    values.extend((0..32).map(|row| pixel(i, channel, row, column)));
                }
            }
        }
        // MATLAB omits a last size of 1.
        let sizes: &[u32] = if n == 1 {
            &[32, 32, 3]
        } else {
            &[32, 32, 3, n as u32]
        };
        self.variable("X", 9, sizes, 2, &values)
    }

    /// Labels stored as bytes.
    pub(crate) fn labels(self, labels: &[u8]) -> Vec<u8> {
        self.variable("y", 9, &[labels.len() as u32, 1], 2, labels)
    }
}
