//! A minimal JSON reader, sufficient for flat objects.

/// The number at the first occurrence of a key.
pub(crate) fn number(object: &str, key: &str) -> Option<f64> {
    let (_, rest) = object.split_once(&format!("\"{key}\":"))?;
    rest.split([',', '}']).next()?.trim().parse().ok()
}

/// The string at the first occurrence of a key in JSON without spaces, still escaped.
pub(crate) fn text<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = object.split_once(&format!("\"{key}\":\""))?;
    rest.split('"').next()
}

/// The path in an escaped string.
pub(crate) fn path(text: &str) -> std::path::PathBuf {
    text.replace("\\\\", "\\").into()
}
