//! Checks links between Markdown files, as GitHub resolves them, and between the pages of the book.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::markdown;
use super::page::Page;
use crate::failure::Failure;
use crate::workspace::{find, read};

/// Checks the links of Markdown files and returns their number.
pub(super) fn markdown(
    root: &Path,
    pages: &[Page],
    faults: &mut Vec<String>,
) -> Result<usize, Failure> {
    let mut count = 0;
    for page in pages {
        for (line, target) in markdown::links(&page.text) {
            let Some((path, anchor)) = relative(&target) else {
                continue;
            };
            count += 1;
            let file = target_file(root, &page.path, &path);
            let dead = match canonical_below(root, &file) {
                None => Some("the file does not exist".to_owned()),
                Some(file) if !anchor.is_empty() && file.extension().is_some_and(|e| e == "md") => {
                    let anchors = markdown::anchors(&read(&file)?);
                    (!anchors.contains(&anchor)).then(|| format!("no heading #{anchor}"))
                }
                Some(_) => None,
            };
            faults.extend(
                dead.map(|dead| format!("{}:{line}: dead link {target}: {dead}", page.shown)),
            );
        }
    }
    Ok(count)
}

/// Checks the links of the built book and returns their number.
pub(super) fn html(book: &Path, faults: &mut Vec<String>) -> Result<usize, Failure> {
    let mut count = 0;
    let mut ids: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    let mut links = Vec::new();
    for path in find(book, &["html"])? {
        let text = read(&path)?;
        let tags = tags(&text);
        let values = |name| tags.iter().filter_map(move |tag| attribute(tag, name));
        if let Some(file) = canonical_below(book, &path) {
            ids.insert(file, values("id").chain(values("name")).collect());
        }
        for tag in &tags {
            for target in ["href", "src"]
                .into_iter()
                .filter_map(|name| attribute(tag, name))
            {
                let shown = path
                    .strip_prefix(book)
                    .unwrap_or(&path)
                    .display()
                    .to_string();
                match relative(&target) {
                    Some(link) => links.push((path.clone(), shown, target, link)),
                    None if tag.starts_with("a ") => {}
                    // The book must work without a network.
                    None => faults.push(format!(
                        "book/{shown}: loads {target}, which is not in the book"
                    )),
                }
            }
        }
    }
    for (page, shown, target, (path, anchor)) in links {
        count += 1;
        let file = target_file(book, &page, &path);
        let dead = match canonical_below(book, &file) {
            None if file.exists() => "the file is outside the book",
            None => "the file does not exist",
            Some(file)
                if !anchor.is_empty()
                    && ids.get(&file).is_none_or(|ids| !ids.contains(&anchor)) =>
            {
                "no element of the page has this id"
            }
            Some(_) => continue,
        };
        faults.push(format!("book/{shown}: dead link {target}: {dead}"));
    }
    Ok(count)
}

/// Path and anchor of a relative link; `None` for a link to another site.
fn relative(target: &str) -> Option<(String, String)> {
    let scheme = target
        .split(['/', '?', '#'])
        .next()
        .is_some_and(|start| start.contains(':'));
    if scheme || target.starts_with("//") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    Some((decoded(path), decoded(anchor)))
}

/// Resolves the path of a link: empty is the page itself, an absolute path is below the root, and
/// any other path is relative to the folder of the page.
fn target_file(root: &Path, page: &Path, path: &str) -> PathBuf {
    match path.strip_prefix('/') {
        _ if path.is_empty() => page.to_owned(),
        Some(below) => root.join(below),
        None => page.parent().unwrap_or(root).join(path),
    }
}

/// The canonical path of a file; `None` if it does not exist or is outside the folder.
fn canonical_below(folder: &Path, file: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    file.canonicalize()
        .ok()
        .filter(|file| file.starts_with(folder))
}

/// Decodes percent-encoded bytes such as `%C3%BC`, and `&amp;`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let text = text.replace("&amp;", "&");
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The opening tags of a page without brackets. Scripts, styles and comments are skipped.
fn tags(html: &str) -> Vec<&str> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
        } else if after.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let mut quoted = false;
            let end = after.find(|c| {
                quoted ^= c == '"';
                c == '>' && !quoted
            });
            let tag = &after[..end.unwrap_or(after.len())];
            tags.push(tag);
            for (name, close) in [("script", "</script"), ("style", "</style")] {
                if tag.split_whitespace().next() == Some(name) {
                    rest = &after[after.find(close).unwrap_or(after.len())..];
                }
            }
        }
    }
    tags
}

/// The value of an attribute. mdBook writes all attributes in double quotes.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))?;
    tag[start..].split('"').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_other_sites_are_not_relative() {
        assert_eq!(
            relative("a%20b.md#h%C3%BC"),
            Some(("a b.md".to_owned(), "hü".to_owned()))
        );
        assert_eq!(relative("#x"), Some((String::new(), "x".to_owned())));
        assert_eq!(
            (
                relative("https://a.org"),
                relative("//a.org"),
                relative("mailto:a@b")
            ),
            (None, None, None)
        );
    }

    #[test]
    fn tags_in_scripts_and_comments_are_skipped() {
        let html = "<!-- <a href=\"x\"> --><a class=\"b\" href=\"c>d\">e</a><script src=\"f\">'<a href=\"g\">'</script><img src=\"h\">";
        let found: Vec<_> = tags(html)
            .iter()
            .filter_map(|t| attribute(t, "href").or(attribute(t, "src")))
            .collect();
        assert_eq!(found, ["c>d", "f", "h"]);
    }
}
