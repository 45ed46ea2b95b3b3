//! Range checks of settings. Errors name a setting as in the file.

use std::ops::RangeInclusive;

use crate::error::RecordError;

/// An error if `valid` is false; `range` describes the allowed values.
pub(crate) fn check(
    valid: bool,
    name: &'static str,
    value: impl ToString,
    range: &'static str,
) -> Result<(), RecordError> {
    if valid {
        return Ok(());
    }
    Err(RecordError::OutOfRange {
        name,
        value: value.to_string(),
        range,
    })
}

pub(crate) fn positive(name: &'static str, value: f64) -> Result<(), RecordError> {
    let valid = value > 0.0 && value.is_finite();
    check(valid, name, value, "positive and finite")
}

pub(crate) fn not_negative(name: &'static str, value: f64) -> Result<(), RecordError> {
    let valid = value >= 0.0 && value.is_finite();
    check(valid, name, value, "at least 0 and finite")
}

pub(crate) fn below_one(name: &'static str, value: f64) -> Result<(), RecordError> {
    check((0.0..1.0).contains(&value), name, value, "in [0, 1)")
}

pub(crate) fn positive_share(name: &'static str, value: f64) -> Result<(), RecordError> {
    check(value > 0.0 && value <= 1.0, name, value, "in (0, 1]")
}

pub(crate) fn at_least_one(name: &'static str, value: usize) -> Result<(), RecordError> {
    check(value >= 1, name, value, "at least 1")
}

/// Checks that `value` is in `bounds`; `range` describes `bounds` in words.
pub(crate) fn between(
    name: &'static str,
    value: usize,
    bounds: RangeInclusive<usize>,
    range: &'static str,
) -> Result<(), RecordError> {
    check(bounds.contains(&value), name, value, range)
}

/// Checks that a name can be part of the name of a folder.
pub(crate) fn plain_name(name: &'static str, value: &str) -> Result<(), RecordError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let valid = !value.is_empty() && value.chars().all(plain);
    let range = "a non-empty name of letters, digits, '-' and '_'";
    check(valid, name, value, range)
}
