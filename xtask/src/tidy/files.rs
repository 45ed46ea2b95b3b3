//! Checks the sizes of files and functions, and references to paths outside the repository.

use std::path::Path;

use super::source::{code, functions, tokens};
use crate::failure::Failure;
use crate::workspace::{find, read};

/// Maximum number of lines of a source file.
const MAX_LINES: usize = 400;
/// Maximum number of lines of a test file.
const MAX_TEST_LINES: usize = 650;
/// Maximum number of lines of a function outside tests.
const MAX_FUNCTION_LINES: usize = 80;

/// Reports files and functions that are too long, and references to paths outside the repository.
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
                faults.push(format!("{shown}: refers to a path outside the repository"));
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
    let max = if is_test { MAX_TEST_LINES } else { MAX_LINES };
    let lines = text.lines().count();
    if lines > max {
        faults.push(format!("{shown}: {lines} lines, more than {max}; split it"));
    }
    if is_test {
        return;
    }
    let code = code(text);
    for function in functions(&tokens(&code)) {
        let (line, name, lines) = (function.line, function.name, function.lines);
        if lines > MAX_FUNCTION_LINES {
            faults.push(format!(
                "{shown}:{line}: fn {name} has {lines} lines, more than {MAX_FUNCTION_LINES}; split it"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes_of(shown: &str, text: &str) -> Vec<String> {
        let mut faults = Vec::new();
        sizes(shown, text, &mut faults);
        faults
    }

    #[test]
    fn a_long_file_is_reported() {
        let lines = |count| "const A: u8 = 0;\n".repeat(count);
        assert_eq!(sizes_of("a/src/b.rs", &lines(400)), [""; 0]);
        assert_eq!(
            sizes_of("a/src/b.rs", &lines(401)),
            ["a/src/b.rs: 401 lines, more than 400; split it"]
        );
        assert_eq!(sizes_of("a/tests/it/b.rs", &lines(650)), [""; 0]);
        assert_eq!(
            sizes_of("a/src/b/tests.rs", &lines(651)),
            ["a/src/b/tests.rs: 651 lines, more than 650; split it"]
        );
    }

    #[test]
    fn a_long_function_is_reported() {
        let function = |body| format!("\nfn long() {{\n{}}}\n", "    go();\n".repeat(body));
        assert_eq!(sizes_of("a.rs", &function(78)), [""; 0]);
        assert_eq!(
            sizes_of("a.rs", &function(79)),
            ["a.rs:2: fn long has 81 lines, more than 80; split it"]
        );
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(79));
        assert_eq!(sizes_of("a.rs", &tests), [""; 0]);
    }
}
