//! As much of JSON as flat objects with numbers need.

/// The first number with a key in JSON.
pub(crate) fn number(object: &str, key: &str) -> Option<f64> {
    let (_, rest) = object.split_once(&format!("\"{key}\":"))?;
    rest.split([',', '}']).next()?.trim().parse().ok()
}
