//! Sizes of files and functions, circles of files, and places outside the repository.

use std::path::Path;

use super::modules::Modules;
use super::source::{code, functions, tokens};
use crate::failure::Failure;
use crate::workspace::{find, read};

/// A longer source file, at 100 columns, holds more than one concept.
const MOST_LINES: usize = 400;
/// A longer test file is split.
const MOST_TEST_LINES: usize = 650;
/// A longer function outside tests has parts that deserve names.
const MOST_FUNCTION_LINES: usize = 80;

/// Files and functions are short, and nothing refers to a place outside the repository.
pub(super) fn check(root: &Path, faults: &mut Vec<String>) -> Result<(), Failure> {
    let outside = ["..", "shared"].join("/");
    for folder in [
        "crates",
        "xtask",
        "benches",
        "examples",
        "docs",
        "experiments",
    ] {
        for path in find(&root.join(folder), &["rs", "md", "toml", "py"])? {
            let text = read(&path)?;
            let shown = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .display()
                .to_string();
            if text.contains(&outside) {
                faults.push(format!("{shown}: refers to a place outside the repository"));
            }
            if path.extension().is_some_and(|ending| ending == "rs") {
                sizes(&shown, &text, faults);
            }
        }
    }
    Ok(())
}

fn sizes(shown: &str, text: &str, faults: &mut Vec<String>) {
    let is_test = shown.contains("/tests/") || shown.ends_with("/tests.rs");
    let most = if is_test { MOST_TEST_LINES } else { MOST_LINES };
    let lines = text.lines().count();
    if lines > most {
        faults.push(format!(
            "{shown}: {lines} lines, more than {most}: split it"
        ));
    }
    if is_test {
        return;
    }
    let code = code(text);
    for function in functions(&tokens(&code)) {
        let (line, name, lines) = (function.line, function.name, function.lines);
        if lines > MOST_FUNCTION_LINES {
            faults.push(format!(
                "{shown}:{line}: fn {name} has {lines} lines, more than {MOST_FUNCTION_LINES}: split it"
            ));
        }
    }
}

/// Within a crate no files and no folders use each other in a circle, and none imports through the
/// crate's root.
pub(super) fn modules(root: &Path, faults: &mut Vec<String>) -> Result<(), Failure> {
    let mut entries = Vec::new();
    for path in find(root, &["rs"])? {
        let is_entry = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
        let below = path.strip_prefix(root).unwrap_or(&path);
        if is_entry && !below.starts_with("target") {
            entries.push(path);
        }
    }
    for entry in entries {
        let crate_folder = entry.parent().and_then(Path::parent).unwrap_or(root);
        let name = crate_folder
            .strip_prefix(root)
            .unwrap_or(crate_folder)
            .display();
        let modules = Modules::read(&entry)?;
        let circles = modules.circles();
        faults.extend(circles.iter().map(|circle| format!("{name}: {circle}")));
        for import in modules.through_root() {
            faults.push(format!(
                "{name}: {import}: imported through the crate's root, not from its file"
            ));
        }
    }
    Ok(())
}
