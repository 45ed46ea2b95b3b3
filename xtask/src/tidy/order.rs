//! Checks the order of the modules in each crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::modules::Modules;
use crate::failure::Failure;
use crate::workspace::{find, read};

/// The page with the table of modules, which lists them from the bottom layer to the top.
const PAGE: &str = "docs/src/architecture.md";
const HEADING: &str = "## Inside the crates";

/// Reports cycles of files and folders, imports that do not name the file that defines an item, and
/// uses of modules that the table lists after the user.
pub(super) fn check(root: &Path, faults: &mut Vec<String>) -> Result<(), Failure> {
    let page = read(&root.join(PAGE))?;
    let mut orders = orders(&page);
    for entry in crate_roots(root)? {
        let folder = entry.parent().and_then(Path::parent).unwrap_or(root);
        let name = folder.strip_prefix(root).unwrap_or(folder).display();
        let name = name.to_string();
        let modules = Modules::read(&entry)?;
        let mut found = imports(&modules);
        if let Some(package) = name.strip_prefix("crates/") {
            match orders.remove(package.trim_start_matches("memdil-")) {
                Some(order) => found.extend(order_faults(&modules, &order)),
                None => found.push(format!("missing from the table in {PAGE}")),
            }
        }
        faults.extend(found.iter().map(|fault| format!("{name}: {fault}")));
    }
    faults.extend(
        orders
            .keys()
            .map(|name| format!("{PAGE}: unknown crate {name}")),
    );
    Ok(())
}

/// The `lib.rs` and `main.rs` files of the workspace.
fn crate_roots(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut entries = find(root, &["rs"])?;
    entries.retain(|path| {
        let is_entry = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
        let below = path.strip_prefix(root).unwrap_or(path);
        is_entry && !below.starts_with("target")
    });
    Ok(entries)
}

fn imports(modules: &Modules) -> Vec<String> {
    let through_root = modules.through_root().into_iter();
    let globs = modules.local_globs().into_iter();
    let mut found = modules.cycles();
    found.extend(through_root.map(|import| {
        format!("{import}: imported through the crate root; import it from its file")
    }));
    found.extend(globs.map(|import| format!("{import}: glob import; name the imported items")));
    found
}

/// The rows of the table: each crate with its modules, which are the names in backticks outside
/// parentheses.
fn orders(page: &str) -> BTreeMap<&str, Vec<&str>> {
    let section = page.split_once(HEADING).map_or("", |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| {
        let (name, modules) = line
            .strip_prefix("| ")?
            .strip_suffix(" |")?
            .split_once(" | ")?;
        Some((name, outside_parentheses(modules)))
    });
    // The first two rows are the header.
    rows.skip(2).collect()
}

/// The names in backticks that are not in parentheses.
fn outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let mut names = Vec::new();
    for (number, part) in text.split('`').enumerate() {
        if number % 2 == 0 {
            depth += part.matches('(').count();
            depth = depth.saturating_sub(part.matches(')').count());
        } else if depth == 0 {
            names.push(part);
        }
    }
    names
}

/// The differences between a crate and its row in the table.
fn order_faults(modules: &Modules, order: &[&str]) -> Vec<String> {
    let graph = modules.top_level();
    let mut faults = Vec::new();
    for (position, name) in order.iter().enumerate() {
        if !graph.contains_key(*name) {
            faults.push(format!("{PAGE} lists {name}, which is not a module"));
        }
        for used in listed_below(&graph, name, order) {
            if order[position..].contains(&used) {
                faults.push(format!("{name} uses {used}, which {PAGE} lists after it"));
            }
        }
    }
    for name in graph.keys().filter(|name| modules.is_folder(name)) {
        if !order.contains(&name.as_str()) {
            faults.push(format!("the folder {name} is not listed in {PAGE}"));
        }
    }
    faults
}

/// The listed modules that a module uses, directly or through modules that are not listed.
fn listed_below<'a>(
    graph: &'a BTreeMap<String, BTreeSet<String>>,
    from: &str,
    order: &[&str],
) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&String> = graph.get(from).into_iter().flatten().collect();
    while let Some(name) = open.pop() {
        if seen.insert(name.as_str()) && !order.contains(&name.as_str()) {
            open.extend(graph.get(name).into_iter().flatten());
        }
    }
    seen.retain(|name| order.contains(name));
    seen
}

#[cfg(test)]
mod tests;
