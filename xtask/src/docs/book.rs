//! The book: built by one version of mdBook, which is installed beside what cargo builds where it
//! is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::markdown;
use super::page::Page;
use crate::failure::Failure;
use crate::process::check;
use crate::workspace::cargo;

/// The version that builds the book. Another one may warn of other things.
const VERSION: &str = "0.5.4";

/// Builds the book and says where it is, unless that failed.
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
    // What these say could silence a warning.
    let output = command
        .env_remove("MDBOOK_LOG")
        .env_remove("RUST_LOG")
        .output();
    let output =
        output.map_err(|e| Failure::inside(format!("cannot start {}: {e}", program.display())))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let before = faults.len();
    // Whatever is not a line of progress is a warning, an error, or a part of one.
    let progress = |line: &str| line.trim_start().starts_with("INFO ");
    faults.extend(
        said.lines()
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

/// A formula in dollars is typeset on some sites only, and the book would need a script from
/// elsewhere for it.
pub(super) fn formulas(pages: &[Page], faults: &mut Vec<String>) {
    for page in pages {
        for (index, line) in markdown::prose(&page.text).lines().enumerate() {
            if line.contains('$') {
                faults.push(format!(
                    "{}:{}: a $ outside code: write formulas as code",
                    page.shown,
                    index + 1
                ));
            }
        }
    }
}

/// The program: on the path, or installed before, or installed now.
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
    eprintln!("installing mdbook {VERSION} (once, minutes)");
    let mut command = cargo();
    // Without its web server and search index. It works for a moment, so it is not optimised.
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
