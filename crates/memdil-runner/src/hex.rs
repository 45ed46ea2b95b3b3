//! Digests as text.

use sha2::{Digest, Sha256};

/// A digest in hexadecimal.
pub(crate) fn hex(digest: Sha256) -> String {
    digest
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
