//! Pickled dictionaries like those of Python and NumPy, written instruction by instruction.

/// The program and protocol that are imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// Python 2 and NumPy 1 with protocol 2, like the published files: strings are bytes.
    Python2,
    /// Python 3 and NumPy 2 with protocol 2: bytes are text in Latin-1.
    Protocol2,
    /// Python 3 and NumPy 2 with protocol 5.
    Protocol5,
    /// Like the previous one, with the array in Fortran order.
    Fortran,
}

pub(crate) const WRITERS: [Writer; 4] = [
    Writer::Python2,
    Writer::Protocol2,
    Writer::Protocol5,
    Writer::Fortran,
];

impl Writer {
    fn string(self, text: &str) -> Vec<u8> {
        let head = match self {
            Self::Python2 => vec![b'U', text.len() as u8],
            Self::Protocol2 => [&b"X"[..], &(text.len() as u32).to_le_bytes()].concat(),
            Self::Protocol5 | Self::Fortran => vec![0x8c, text.len() as u8],
        };
        [&head[..], text.as_bytes()].concat()
    }

    fn bytes(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Python2 => [&b"T"[..], &(bytes.len() as u32).to_le_bytes(), bytes].concat(),
            Self::Protocol2 => {
                let text: String = bytes.iter().copied().map(char::from).collect();
                [
                    &b"c_codecs\nencode\nX"[..],
                    &(text.len() as u32).to_le_bytes(),
                    text.as_bytes(),
                    b"X\x06\0\0\0latin1\x86R",
                ]
                .concat()
            }
            Self::Protocol5 | Self::Fortran => {
                [&[0x96][..], &(bytes.len() as u64).to_le_bytes(), bytes].concat()
            }
        }
    }

    fn symbol(self, module: &str, name: &str) -> Vec<u8> {
        match self {
            Self::Python2 | Self::Protocol2 => format!("c{module}\n{name}\n").into_bytes(),
            Self::Protocol5 | Self::Fortran => {
                [self.string(module), self.string(name), vec![0x93]].concat()
            }
        }
    }

    fn dtype(self, name: &str, order: &str) -> Vec<u8> {
        [
            self.symbol("numpy", "dtype"),
            self.string(name),
            b"\x89\x88\x87R(K\x03".to_vec(),
            self.string(order),
            b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb".to_vec(),
        ]
        .concat()
    }

    /// An array with this shape and these bytes in C order.
    pub(crate) fn array(self, dtype: (&str, &str), shape: [u32; 2], bytes: &[u8]) -> Vec<u8> {
        let sizes = match shape {
            [n, 0] => [&b"J"[..], &n.to_le_bytes(), b"\x85"].concat(),
            [n, m] => [&b"J"[..], &n.to_le_bytes(), b"J", &m.to_le_bytes(), b"\x86"].concat(),
        };
        let dtype = self.dtype(dtype.0, dtype.1);
        match self {
            Self::Python2 | Self::Protocol2 => {
                let package = if self == Self::Python2 {
                    "core"
                } else {
                    "_core"
                };
                [
                    self.symbol(&format!("numpy.{package}.multiarray"), "_reconstruct"),
                    self.symbol("numpy", "ndarray"),
                    b"K\0\x85".to_vec(),
                    self.bytes(b"b"),
                    b"\x87R(K\x01".to_vec(),
                    sizes,
                    dtype,
                    b"\x89".to_vec(),
                    self.bytes(bytes),
                    b"tb".to_vec(),
                ]
                .concat()
            }
            Self::Protocol5 | Self::Fortran => {
                let (order, bytes) = if self == Self::Fortran && shape[1] > 1 {
                    ("F", transposed(bytes, shape[1] as usize))
                } else {
                    ("C", bytes.to_vec())
                };
                [
                    self.symbol("numpy._core.numeric", "_frombuffer"),
                    b"(".to_vec(),
                    self.bytes(&bytes),
                    dtype,
                    sizes,
                    self.string(order),
                    b"tR".to_vec(),
                ]
                .concat()
            }
        }
    }

    fn list(labels: &[u8]) -> Vec<u8> {
        let mut list = b"](".to_vec();
        list.extend(labels.iter().flat_map(|&label| [b'K', label]));
        list.push(b'e');
        list
    }

    /// A dictionary of values that are already pickled.
    pub(crate) fn dictionary(self, entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let protocol = match self {
            Self::Python2 | Self::Protocol2 => 2,
            Self::Protocol5 | Self::Fortran => 5,
        };
        let mut file = vec![0x80, protocol, b'}', b'q', 0, b'('];
        for (name, value) in entries {
            file.extend(self.string(name));
            file.extend(value);
        }
        file.extend(b"u.");
        file
    }

    /// A batch of CIFAR: named lists of labels, and one row of 3072 pixels per label.
    pub(crate) fn batch(self, labels: &[(&str, &[u8])], pixels: &[u8]) -> Vec<u8> {
        let rows = (pixels.len() / 3072) as u32;
        let mut entries = vec![("batch_label", self.string("training batch 1 of 5"))];
        entries.extend(
            labels
                .iter()
                .map(|(name, labels)| (*name, Self::list(labels))),
        );
        entries.push(("data", self.array(("u1", "|"), [rows, 3072], pixels)));
        self.dictionary(&entries)
    }
}

/// Transposes rows of `columns` bytes.
fn transposed(bytes: &[u8], columns: usize) -> Vec<u8> {
    let rows = bytes.len() / columns;
    (0..bytes.len())
        .map(|i| bytes[i / rows + i % rows * columns])
        .collect()
}
