//! `cargo xtask docs`: what the documentation shows is true. The book builds without a warning,
//! every link leads somewhere, and every command is run, or compared with the program's own help.

mod book;
mod commands;
mod links;
mod markdown;
mod scratch;

use std::path::{Path, PathBuf};

use crate::{Failure, find, program, read, root, target_directory};

/// A Markdown file that is checked.
struct Page {
    path: PathBuf,
    /// Its path below the root, as faults name it.
    shown: String,
    text: String,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(extra) = arguments.first() {
        return Err(Failure::usage(format!(
            "docs takes no arguments, not '{extra}'"
        )));
    }
    let root = root();
    let pages = pages(&root)?;
    let mut faults = Vec::new();
    book::formulas(&pages, &mut faults);
    let mut links = links::markdown(&root, &pages, &mut faults)?;
    if let Some(book) = book::build(&root, &target_directory()?, &mut faults)? {
        links += links::html(&book, &mut faults)?;
    }
    let program = program::build("cpu")?;
    let counts = scratch::with(&root, &program, |scratch| {
        commands::check(&pages, scratch, &mut faults)
    })?;
    faults.dedup();
    for fault in &faults {
        eprintln!("docs: {fault}");
    }
    println!(
        "docs: {} pages, {links} links, {} commands run, {} usage lines checked, {} skipped",
        pages.len(),
        counts.run,
        counts.usage,
        counts.skipped
    );
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Failure::inside(format!("{} faults", faults.len())))
    }
}

/// The README, the book's chapters, and the README of each stored result.
fn pages(root: &Path) -> Result<Vec<Page>, Failure> {
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
