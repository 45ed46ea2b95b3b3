//! `cargo xtask messages`: every text that a user may read, for proofreading.

use std::path::Path;

use crate::arguments;
use crate::failure::Failure;
use crate::tidy::source::{code, strings};
use crate::workspace::{find, read, root};

/// A text with fewer words is a name, a key or a unit.
const LEAST_WORDS: usize = 3;

/// Prints the texts in the sources of the crates and of xtask, one per line, with their positions.
pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    arguments::check("messages", given, &[], &[])?;
    let root = root();
    for folder in ["crates", "xtask"] {
        for path in find(&root.join(folder), &["rs"])? {
            let shown = path.strip_prefix(&root).unwrap_or(&path);
            if is_source(shown) {
                for (line, text) in messages(&read(&path)?) {
                    println!("{}:{line}: {text}", shown.display());
                }
            }
        }
    }
    Ok(())
}

/// Whether a file holds code outside tests.
fn is_source(path: &Path) -> bool {
    let mut parts = path.components().map(|part| part.as_os_str());
    let in_source = parts.any(|part| part == "src");
    in_source
        && path.file_name().is_some_and(|name| name != "tests.rs")
        && parts.all(|part| part != "tests")
}

/// The strings of a file outside tests that have several words, each with its line.
fn messages(text: &str) -> Vec<(usize, String)> {
    let code = code(text);
    let is_blank = |at: usize| code.as_bytes().get(at) == Some(&b' ');
    let several_words = |text: &String| text.split_whitespace().count() >= LEAST_WORDS;
    strings(text)
        .into_iter()
        .filter(|string| !is_blank(string.start))
        .map(|string| {
            let line = text[..string.start].matches('\n').count() + 1;
            (line, joined(&text[string]))
        })
        .filter(|(_, text)| several_words(text))
        .collect()
}

/// A literal without its quotation marks, lines joined as `\` at their ends joins them.
fn joined(literal: &str) -> String {
    let text = literal
        .trim_start_matches(['b', 'r', '#'])
        .trim_end_matches('#');
    let text = text.trim_matches('"');
    let lines: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
    lines.concat().replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_several_words_are_listed_with_their_lines() {
        let text = "// \"not a text\"\nconst A: &str = \"a key\";\nfn f() {\n    \
                    g(\"two lines \\\n       in one\");\n}\n#[cfg(test)]\nmod tests { const B: &str = \"of a test\"; }\n";
        assert_eq!(messages(text), [(4, "two lines in one".to_owned())]);
    }

    #[test]
    fn tests_are_left_out() {
        assert!(is_source(Path::new("crates/memdil/src/a.rs")));
        assert!(!is_source(Path::new("crates/memdil/src/a/tests.rs")));
        assert!(!is_source(Path::new("crates/memdil/tests/it/a.rs")));
    }
}
