//! Decoding of stored numbers.

/// Decodes an integer of 1 to 8 little-endian bytes.
pub(crate) fn integer(signed: bool, bytes: &[u8]) -> i128 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let bits = u64::from_le_bytes(wide);
    if signed {
        // Shifting back and forth copies the sign into the upper bits.
        let unused = 64 - 8 * bytes.len() as u32;
        ((bits << unused).cast_signed() >> unused).into()
    } else {
        bits.into()
    }
}

/// Converts a whole-number float to an integer. Returns `None` from 2^53 on, where floats skip
/// integers.
pub(crate) fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 2_f64.powi(53)).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_width_keep_their_sign() {
        assert_eq!(integer(true, &[0xff]), -1);
        assert_eq!(integer(false, &[0xff]), 255);
        assert_eq!(integer(true, &[0, 0x80]), -32_768);
        assert_eq!(integer(true, &i32::MIN.to_le_bytes()), i32::MIN.into());
        assert_eq!(integer(true, &i64::MIN.to_le_bytes()), i64::MIN.into());
        assert_eq!(integer(false, &u64::MAX.to_le_bytes()), u64::MAX.into());
    }

    #[test]
    fn floats_that_skip_integers_are_not_whole() {
        assert_eq!(whole(-3.0), Some(-3));
        assert_eq!(whole(0.5), None);
        assert_eq!(whole(9_007_199_254_740_991.0), Some(9_007_199_254_740_991));
        assert_eq!(whole(9_007_199_254_740_992.0), None);
        assert_eq!(whole(f64::INFINITY), None);
        assert_eq!(whole(f64::NAN), None);
    }
}
