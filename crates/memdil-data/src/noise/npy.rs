//! Integers from NumPy's `.npy` format.

use crate::npy::read_header;
use crate::unpack::{Fault, MOST_LABELS};

/// An array as it lies in a file.
pub(super) struct Npy<'a> {
    /// NumPy's name of the element type, such as `<i8`.
    pub(super) descr: String,
    /// Whether columns lie together instead of rows.
    pub(super) column_order: bool,
    pub(super) shape: Vec<usize>,
    data: &'a [u8],
}

impl<'a> Npy<'a> {
    /// Reads a whole file; the error says what is wrong with it.
    pub(super) fn parse(mut file: &'a [u8]) -> Result<Self, String> {
        let header = read_header(&mut file).map_err(|fault| match fault {
            Fault::Content(message) => message,
            Fault::Read(cause) => cause.to_string(),
        })?;
        let shape = header.shape.iter().map(|&length| usize::try_from(length)).collect::<Result<_, _>>();
        let shape = shape.map_err(|_| format!("claims the shape {:?}, more than memory has places", header.shape))?;
        Ok(Self { descr: header.dtype, column_order: header.fortran_order, shape, data: file })
    }

    /// The bytes of each element, if there are as many as the shape says.
    pub(super) fn elements(&self, size: usize) -> Result<std::slice::ChunksExact<'a, u8>, String> {
        let claimed = self.shape.iter().try_fold(size, |bytes, &length| bytes.checked_mul(length));
        if claimed != Some(self.data.len()) {
            let (shape, bytes) = (&self.shape, self.data.len());
            return Err(format!("holds {bytes} bytes, which do not fill the shape {shape:?} its header claims"));
        }
        Ok(self.data.chunks_exact(size))
    }

    /// All elements, of whatever integer type they are.
    pub(super) fn integers(&self) -> Result<Vec<i128>, String> {
        let (big, kind, size) = match self.descr.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), kind @ (b'i' | b'u'), size @ (b'1' | b'2' | b'4' | b'8')] => {
                (*order == b'>', *kind, usize::from(size - b'0'))
            }
            b"|O" => {
                return Err("holds Python objects, which only Python can read: export integers, \
                            as the documentation of memdil_data::noise shows for CIFAR-N"
                    .to_owned());
            }
            _ => {
                let descr = self.descr.escape_default();
                return Err(format!("has elements of type {descr}, not integers: save labels.astype(\"int64\")"));
            }
        };
        let integer = |element: &[u8]| {
            let join = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
            let bits = if big { element.iter().fold(0, join) } else { element.iter().rev().fold(0, join) };
            let unused = 64 - 8 * size as u32;
            // Shifting back and forth copies the sign into the upper bits.
            if kind == b'i' { i128::from((bits << unused) as i64 >> unused) } else { i128::from(bits) }
        };
        let elements = self.elements(size)?;
        if elements.len() as u64 > MOST_LABELS {
            return Err(format!("holds {} labels: at most {MOST_LABELS} are read", elements.len()));
        }
        Ok(elements.map(integer).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn integers(descr: &str, data: &[u8]) -> Vec<i128> {
        Npy::parse(&file(descr, "(2,)", data)).unwrap().integers().unwrap()
    }

    #[test]
    fn integers_of_every_width_sign_and_order() {
        assert_eq!(integers("|i1", &[255, 127]), [-1, 127]);
        assert_eq!(integers("|u1", &[255, 127]), [255, 127]);
        assert_eq!(integers("<i2", &[1, 0, 0xfe, 0xff]), [1, -2]);
        assert_eq!(integers(">i2", &[0, 1, 0xff, 0xfe]), [1, -2]);
        assert_eq!(integers("<u2", &[0xfe, 0xff, 0, 1]), [65534, 256]);
        assert_eq!(integers(">i4", &[0, 0, 1, 0, 255, 255, 255, 255]), [256, -1]);
        assert_eq!(integers("=u4", &[255, 255, 255, 255, 0, 0, 0, 128]), [4_294_967_295, 2_147_483_648]);
        let most = [u64::MAX.to_le_bytes(), 3_u64.to_le_bytes()].concat();
        assert_eq!(integers("<u8", &most), [i128::from(u64::MAX), 3]);
        assert_eq!(integers("<i8", &most), [-1, 3]);
    }

    #[test]
    fn versions_differ_in_the_length_of_the_length() {
        let mut second = file("|u1", "(2,)", &[4, 5]);
        second[6] = 2;
        second.splice(10..10, [0, 0]);
        assert_eq!(Npy::parse(&second).unwrap().integers().unwrap(), [4, 5]);
        second[6] = 9;
        assert!(Npy::parse(&second).is_err_and(|message| message.contains("version 9")));
    }

    #[test]
    fn what_is_claimed_but_not_there_is_told() {
        for (descr, shape, expected) in [
            ("|u1", "(3,)", "2 bytes"),
            ("|u1", "(1,)", "2 bytes"),
            ("<i8", "(2305843009213693952, 4)", "do not fill"),
            ("|u1", "(-2,)", "not understood"),
            ("<f8", "(2,)", "not integers"),
            ("|b1", "(2,)", "not integers"),
            ("|O", "(2,)", "Python objects"),
        ] {
            let bytes = file(descr, shape, &[0, 0]);
            let message = Npy::parse(&bytes).and_then(|npy| npy.integers()).unwrap_err();
            assert!(message.contains(expected), "{descr} {shape}: {message}");
        }
        let deep = file(&"[".repeat(60_000), "(2,)", &[]);
        assert!(Npy::parse(&deep).is_err_and(|message| message.contains("header of")));
    }
}
