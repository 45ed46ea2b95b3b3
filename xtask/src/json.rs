//! As much of JSON as flat objects need.

/// The first number with a key in JSON.
pub(crate) fn number(object: &str, key: &str) -> Option<f64> {
    let (_, rest) = object.split_once(&format!("\"{key}\":"))?;
    rest.split([',', '}']).next()?.trim().parse().ok()
}

/// The first string with a key in JSON without spaces, as it is written there.
pub(crate) fn text<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = object.split_once(&format!("\"{key}\":\""))?;
    rest.split('"').next()
}

/// The path that a string of JSON holds.
pub(crate) fn path(text: &str) -> std::path::PathBuf {
    text.replace("\\\\", "\\").into()
}
