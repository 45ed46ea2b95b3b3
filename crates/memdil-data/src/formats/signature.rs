//! Recognising a file whose content does not match its name.

use super::pickle;

/// Number of leading bytes that suffice to recognise a file.
pub(crate) const SIGNATURE_BYTES: usize = 512;

/// Recognises a web page, an XML error message or a Git LFS pointer that a download left in place
/// of the data, and returns a message with the remedy. The message completes a sentence that begins
/// with the path.
///
/// Only the first [`SIGNATURE_BYTES`] bytes of `start`, the beginning of the file, are examined.
pub(crate) fn foreign(start: &[u8]) -> Option<&'static str> {
    if start.starts_with(b"version https://git-lfs") {
        return Some(
            "is a Git LFS pointer, not data; run `git lfs pull` in its repository, or download the file itself",
        );
    }
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let start = start
        .get(..SIGNATURE_BYTES)
        .unwrap_or(start)
        .trim_ascii_start();
    let is = |tag: &&str| {
        let first = start.get(..tag.len());
        first.is_some_and(|first| first.eq_ignore_ascii_case(tag.as_bytes()))
    };
    let page = ["<!doctype", "<html", "<head", "<body", "<script", "<!--"];
    if page.iter().any(is) {
        return Some("is a web page, not data; download it from another source");
    }
    is(&"<?xml").then_some(
        "is an XML document, usually a server's error message, not data; download it from another source",
    )
}

/// The legacy format of `torch.save`, which begins with the pickle of a magic number.
const TORCH: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19";

/// Whether this file was written by `torch.save`: in the legacy format, or as an archive whose
/// first member is a pickle named `data.pkl`.
pub(crate) fn is_torch(content: &[u8]) -> bool {
    let start = &content[..content.len().min(SIGNATURE_BYTES)];
    let mut names = start.windows(9);
    start.starts_with(TORCH)
        || start.starts_with(b"PK\x03\x04") && names.any(|name| name == b"/data.pkl")
}

/// The name of a file's format by its first bytes, if it is a common one: "a ZIP archive",
/// "a pickle".
pub(crate) fn format_name(start: &[u8]) -> Option<&'static str> {
    let known: &[(&[u8], &str)] = &[
        (b"\x1f\x8b", "a gzip file"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"PK\x05\x06", "an empty ZIP archive"),
        (b"\x93NUMPY", "an array of NumPy (.npy)"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"%PDF", "a PDF document"),
        (b"MATLAB ", "a MATLAB file"),
        (b"BZh", "a bzip2 file"),
        (b"\xfd7zXZ", "an xz file"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"Rar!", "a RAR archive"),
        (b"PAR1", "a Parquet table"),
        (b"ARROW1", "an Arrow table"),
        (TORCH, "a file of torch.save"),
    ];
    let format = known.iter().find(|(magic, _)| start.starts_with(magic));
    match format {
        Some((_, name)) => Some(name),
        None if start.get(257..262) == Some(b"ustar") => Some("a tar archive"),
        None if pickle::has_header(start) => Some("a pickle"),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_pages_are_recognised_in_any_spelling() {
        for page in [
            "<!DOCTYPE html>",
            "<!doctype HTML PUBLIC",
            "\n\t <html lang=\"en\">",
            "\u{feff}<HTML>",
            "<head><title>403",
        ] {
            let what = foreign(page.as_bytes()).unwrap_or_default();
            assert!(what.contains("is a web page"), "{page}: {what}");
        }
    }

    #[test]
    fn lfs_pointers_and_server_errors_are_recognised() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0";
        assert!(foreign(pointer).is_some_and(|what| what.contains("git lfs pull")));
        let refusal = b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>";
        assert!(foreign(refusal).is_some_and(|what| what.contains("XML")));
    }

    #[test]
    fn data_is_not_foreign() {
        for data in [
            &[0, 0, 8, 3][..],
            b"",
            b"<",
            b"\x80\x04\x95",
            b"MATLAB 5.0",
            b"0\n1\n",
        ] {
            assert_eq!(foreign(data), None, "{data:?}");
        }
    }

    #[test]
    fn formats_are_recognised_by_their_first_bytes() {
        assert_eq!(format_name(b"PK\x03\x04rest"), Some("a ZIP archive"));
        assert_eq!(format_name(&[0x80, 4, 0x95]), Some("a pickle"));
        assert_eq!(format_name(&[0; 600]), None);
    }
}
