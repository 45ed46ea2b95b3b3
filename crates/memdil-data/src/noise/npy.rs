//! Integers from NumPy's `.npy` format.

use std::slice::ChunksExact;

use crate::npy::{Header, read_header};
use crate::unpack::MOST_LABELS;

/// An array as it lies in a file.
pub(super) struct Npy<'a> {
    pub(super) header: Header,
    data: &'a [u8],
}

impl<'a> Npy<'a> {
    /// Reads a whole file; the error says what is wrong with it.
    pub(super) fn parse(mut file: &'a [u8]) -> Result<Self, String> {
        let header = read_header(&mut file).map_err(|fault| fault.to_string())?;
        Ok(Self { header, data: file })
    }

    /// The bytes of each element, if there are as many as the shape says.
    pub(super) fn elements(&self, size: usize) -> Result<ChunksExact<'a, u8>, String> {
        let claimed = self
            .header
            .len()
            .and_then(|length| length.checked_mul(size as u64));
        if claimed != Some(self.data.len() as u64) {
            let (shape, bytes) = (&self.header.shape, self.data.len());
            return Err(format!(
                "holds {bytes} bytes, which do not fill the shape {shape:?} its header claims"
            ));
        }
        Ok(self.data.chunks_exact(size))
    }

    /// All elements, of whatever integer type they are.
    pub(super) fn integers(&self) -> Result<impl Iterator<Item = i128> + use<'a>, String> {
        let dtype = &self.header.dtype;
        if dtype == "|O" {
            return Err(
                "holds Python objects, which only Python can read: export integers, \
                        as the documentation of memdil_data::noise shows for CIFAR-N"
                    .to_owned(),
            );
        }
        let Some(integers) = self.header.integers() else {
            let dtype = dtype.escape_default();
            return Err(format!(
                "has elements of type {dtype}, not integers: save labels.astype(\"int64\")"
            ));
        };
        let elements = self.elements(integers.width)?;
        if elements.len() as u64 > MOST_LABELS {
            return Err(format!(
                "holds {} labels: at most {MOST_LABELS} are read",
                elements.len()
            ));
        }
        Ok(elements.map(move |element| integers.value(element)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn integers(descr: &str, data: &[u8]) -> Vec<i128> {
        Npy::parse(&file(descr, "(2,)", data))
            .unwrap()
            .integers()
            .unwrap()
            .collect()
    }

    #[test]
    fn integers_of_every_width_sign_and_order() {
        assert_eq!(integers("|i1", &[255, 127]), [-1, 127]);
        assert_eq!(integers("|u1", &[255, 127]), [255, 127]);
        assert_eq!(integers("<i2", &[1, 0, 0xfe, 0xff]), [1, -2]);
        assert_eq!(integers(">i2", &[0, 1, 0xff, 0xfe]), [1, -2]);
        assert_eq!(integers("<u2", &[0xfe, 0xff, 0, 1]), [65534, 256]);
        assert_eq!(
            integers(">i4", &[0, 0, 1, 0, 255, 255, 255, 255]),
            [256, -1]
        );
        assert_eq!(
            integers("=u4", &[255, 255, 255, 255, 0, 0, 0, 128]),
            [4_294_967_295, 2_147_483_648]
        );
        let most = [u64::MAX.to_le_bytes(), 3_u64.to_le_bytes()].concat();
        assert_eq!(integers("<u8", &most), [i128::from(u64::MAX), 3]);
        assert_eq!(integers("<i8", &most), [-1, 3]);
    }

    #[test]
    fn versions_differ_in_the_length_of_the_length() {
        let mut second = file("|u1", "(2,)", &[4, 5]);
        second[6] = 2;
        second.splice(10..10, [0, 0]);
        assert!(Npy::parse(&second).unwrap().integers().unwrap().eq([4, 5]));
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
            let message = Npy::parse(&bytes)
                .and_then(|npy| npy.integers().map(drop))
                .unwrap_err();
            assert!(message.contains(expected), "{descr} {shape}: {message}");
        }
        let deep = file(&"[".repeat(60_000), "(2,)", &[]);
        assert!(Npy::parse(&deep).is_err_and(|message| message.contains("header of")));
    }
}
