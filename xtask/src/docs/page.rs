//! The Markdown files of the documentation.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::workspace::{find, read};

/// A Markdown file of the documentation.
pub(super) struct Page {
    pub(super) path: PathBuf,
    /// Path relative to the root, for messages.
    pub(super) shown: String,
    pub(super) text: String,
}

/// The README, the book's chapters, and the README of each stored result.
pub(super) fn pages(root: &Path) -> Result<Vec<Page>, Failure> {
    let mut paths = vec![root.join("README.md")];
    paths.extend(find(&root.join("docs/src"), &["md"])?);
    let results = find(&root.join("experiments/results"), &["md"])?;
    paths.extend(
        results
            .into_iter()
            .filter(|path| path.file_name().is_some_and(|name| name == "README.md")),
    );
    let page = |path: PathBuf| {
        let shown = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        Ok(Page {
            text: read(&path)?,
            shown,
            path,
        })
    };
    paths.into_iter().map(page).collect()
}
