//! Builds the book with a pinned version of mdBook, which is installed into the target directory if
//! it is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::markdown;
use super::page::Page;
use crate::failure::Failure;
use crate::process::check;
use crate::workspace::cargo;

/// The pinned version; other versions may print other warnings.
const VERSION: &str = "0.5.4";

/// Builds the book and returns its folder; `None` if the build failed.
pub(super) fn build(
    root: &Path,
    target: &Path,
    faults: &mut Vec<String>,
) -> Result<Option<PathBuf>, Failure> {
    let program = mdbook(&target.join("tools"))?;
    let book = target.join("book");
    let mut command = Command::new(&program);
    command
        .arg("build")
        .arg(root.join("docs"))
        .arg("--dest-dir")
        .arg(&book);
    // These variables could suppress warnings.
    let output = command
        .env_remove("MDBOOK_LOG")
        .env_remove("RUST_LOG")
        .output();
    let output = output
        .map_err(|e| Failure::internal(format!("cannot start {}: {e}", program.display())))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let before = faults.len();
    // Every other line is part of a warning or an error.
    let progress = |line: &str| line.trim_start().starts_with("INFO ");
    faults.extend(
        text.lines()
            .filter(|l| !l.trim().is_empty() && !progress(l))
            .map(|l| format!("mdbook: {}", l.trim())),
    );
    if output.status.success() {
        return Ok(Some(book));
    }
    if faults.len() == before {
        faults.push(format!("mdbook: {}", output.status));
    }
    Ok(None)
}

/// Rejects formulas in dollar signs: only some sites typeset them, and the book would have to load
/// an external script.
pub(super) fn formulas(pages: &[Page], faults: &mut Vec<String>) {
    for page in pages {
        for (index, line) in markdown::prose(&page.text).lines().enumerate() {
            if line.contains('$') {
                faults.push(format!(
                    "{}:{}: $ outside code; write formulas as code",
                    page.shown,
                    index + 1
                ));
            }
        }
    }
}

/// Finds mdBook on the path or among the installed tools, or installs it.
fn mdbook(tools: &Path) -> Result<PathBuf, Failure> {
    let own = tools
        .join("bin")
        .join(format!("mdbook{}", std::env::consts::EXE_SUFFIX));
    if let Some(found) = [PathBuf::from("mdbook"), own.clone()]
        .into_iter()
        .find(|program| is_pinned(program))
    {
        return Ok(found);
    }
    eprintln!("installing mdbook {VERSION} (once, takes minutes)");
    let mut command = cargo();
    // Without the web server and the search index. Not optimised, because a build of the book is
    // short.
    command.args([
        "install",
        "mdbook",
        "--version",
        &format!("={VERSION}"),
        "--locked",
        "--no-default-features",
    ]);
    command.args(["--debug", "--force", "--root"]).arg(tools);
    check(command.env("CARGO_PROFILE_DEV_DEBUG", "false"))?;
    Ok(own)
}

fn is_pinned(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|o| {
        String::from_utf8_lossy(&o.stdout)
            .trim()
            .ends_with(&format!(" v{VERSION}"))
    })
}
