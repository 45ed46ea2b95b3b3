//! The dependencies between the files of a crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::graph::cycles;
use super::source::{Token, code, tokens};
use crate::failure::Failure;
use crate::workspace::read;

/// The path of a module from the crate root, which is empty.
type Module = Vec<String>;

/// The modules of a crate that have their own files, without tests.
pub(crate) struct Modules {
    files: BTreeMap<Module, File>,
}

struct File {
    path: PathBuf,
    /// Names of items that the file defines, including items in inline modules.
    defined: BTreeSet<String>,
    /// Names that the file imports, with their paths.
    imported: BTreeMap<String, Import>,
    /// Paths of glob imports.
    globs: Vec<Vec<String>>,
    /// Paths that the code mentions, including single names.
    mentioned: BTreeSet<Vec<String>>,
}

struct Import {
    path: Vec<String>,
    /// Whether the import is a re-export, which the file itself uses only if the name occurs again.
    exported: bool,
}

/// The target of a path.
enum Target {
    Module,
    /// An item that a module's file defines.
    Item(Module),
}

/// Maximum number of re-exports that are followed, which stops at cyclic imports.
const MAX_STEPS: usize = 16;

impl Modules {
    /// Reads a crate from its `lib.rs` or `main.rs`.
    pub(crate) fn read(root: &Path) -> Result<Self, Failure> {
        let mut modules = Self {
            files: BTreeMap::new(),
        };
        modules.add(Vec::new(), root)?;
        Ok(modules)
    }

    fn add(&mut self, module: Module, path: &Path) -> Result<(), Failure> {
        let code = code(&read(path)?);
        let tokens = tokens(&code);
        for name in declared(&tokens) {
            let folder = match path.file_stem().and_then(|stem| stem.to_str()) {
                Some("lib" | "main" | "mod") => path.with_file_name(name),
                _ => path.with_extension("").join(name),
            };
            let file = folder.with_extension("rs");
            let file = if file.exists() {
                file
            } else {
                folder.join("mod.rs")
            };
            self.add(child(&module, name), &file)?;
        }
        self.files.insert(module, File::new(path, &tokens));
        Ok(())
    }

    /// Each module with the modules whose items it uses.
    fn uses(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let uses = |(module, file): (&Module, &File)| {
            let targets =
                file.mentioned
                    .iter()
                    .filter_map(|path| match self.resolve(module, path, 0)? {
                        Target::Item(target) if target != *module => Some(target),
                        _ => None,
                    });
            (module.clone(), targets.collect())
        };
        self.files.iter().map(uses).collect()
    }

    /// Resolves a path as seen from a module; `None` if it is outside the crate.
    fn resolve(&self, from: &Module, path: &[String], steps: usize) -> Option<Target> {
        if steps > MAX_STEPS {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let file = self.files.get(from)?;
        match first.as_str() {
            "crate" => self.walk(&Vec::new(), rest, steps),
            "self" => self.walk(from, rest, steps),
            "super" => {
                let parent = from[..from.len().checked_sub(1)?].to_vec();
                match rest.first().map(String::as_str) {
                    Some("super") => self.resolve(&parent, rest, steps + 1),
                    _ => self.walk(&parent, rest, steps),
                }
            }
            name => {
                let child = child(from, name);
                if self.files.contains_key(&child) {
                    return self.walk(&child, rest, steps);
                }
                let import = file.imported.get(name)?;
                // `pub(crate) use name;` after a macro definition.
                if import.path == [name] {
                    return Some(Target::Item(from.clone()));
                }
                let path = [&import.path[..], rest].concat();
                self.resolve(from, &path, steps + 1)
            }
        }
    }

    /// Resolves the rest of a path inside a module.
    fn walk(&self, module: &Module, rest: &[String], steps: usize) -> Option<Target> {
        let Some((name, further)) = rest.split_first() else {
            return Some(Target::Module);
        };
        let child = child(module, name);
        if self.files.contains_key(&child) {
            return self.walk(&child, further, steps);
        }
        let file = self.files.get(module)?;
        if !file.defined.contains(name) && file.imported.contains_key(name) {
            return self.resolve(module, rest, steps + 1);
        }
        Some(Target::Item(module.clone()))
    }

    /// Glob imports of modules and types of the crate, as `file: path::*`. They hide which file
    /// defines an item.
    pub(crate) fn local_globs(&self) -> Vec<String> {
        let globs = self.files.iter().flat_map(|(module, file)| {
            let local = |path: &&Vec<String>| self.resolve(module, path, 0).is_some();
            let glob =
                |path: &Vec<String>| format!("{}: {}::*", file.path.display(), path.join("::"));
            file.globs.iter().filter(local).map(glob)
        });
        globs.collect()
    }

    /// Imports through the crate root, as `file: name`.
    pub(crate) fn through_root(&self) -> Vec<String> {
        let root = &self.files[&Vec::new()];
        let mut found = Vec::new();
        for (module, file) in self.files.iter().filter(|(module, _)| !module.is_empty()) {
            for path in &file.mentioned {
                let depth = path.iter().take_while(|name| *name == "super").count();
                let name = match path[0].as_str() {
                    "crate" => path.get(1),
                    "super" if depth == module.len() => path.get(depth),
                    _ => None,
                };
                if let Some(name) = name.filter(|name| root.imported.contains_key(*name)) {
                    found.push(format!("{}: {name}", file.path.display()));
                }
            }
        }
        found
    }

    /// Cycles of files, and cycles between the entries (files and folders) of a folder.
    pub(crate) fn cycles(&self) -> Vec<String> {
        let uses = self.uses();
        let mut found: Vec<String> = cycles(&uses)
            .iter()
            .map(|cycle| format!("cycle of files: {}", shown(cycle)))
            .collect();
        let folders: BTreeSet<&[String]> = self
            .files
            .keys()
            .filter_map(|module| module.split_last().map(|(_, folder)| folder))
            .collect();
        for folder in folders {
            let graph = entries(&uses, folder);
            for cycle in cycles(&graph) {
                let text = format!("cycle of entries: {}", shown(&cycle));
                let only_files = cycle
                    .iter()
                    .all(|module| self.files.keys().filter(|m| m.starts_with(module)).count() == 1);
                // Cycles of single files are already in the list.
                if !only_files {
                    let between = self.between(&uses, &cycle);
                    found.push(format!("{text} ({})", between.join(", ")));
                }
            }
        }
        found
    }

    /// The top-level modules of the crate with the top-level modules that they use.
    pub(crate) fn top_level(&self) -> BTreeMap<String, BTreeSet<String>> {
        let name = |module: Module| module.concat();
        let names = |modules: BTreeSet<Module>| modules.into_iter().map(name).collect();
        let graph = entries(&self.uses(), &[]).into_iter();
        graph.map(|(from, to)| (name(from), names(to))).collect()
    }

    /// Whether a top-level module has submodules with their own files.
    pub(crate) fn is_folder(&self, name: &str) -> bool {
        let inside = |module: &Module| module.len() > 1 && module[0] == name;
        self.files.keys().any(inside)
    }

    /// The uses between files that form a cycle of entries.
    fn between(&self, uses: &BTreeMap<Module, BTreeSet<Module>>, cycle: &[Module]) -> Vec<String> {
        let place = |module: &Module| cycle.iter().position(|entry| module.starts_with(entry));
        let mut found = Vec::new();
        for (module, targets) in uses {
            for target in targets {
                if let (Some(from), Some(to)) = (place(module), place(target))
                    && from != to
                {
                    found.push(shown(&[module.clone(), target.clone()]));
                }
            }
        }
        found
    }
}

impl File {
    fn new(path: &Path, tokens: &[Token<'_>]) -> Self {
        let mut file = Self {
            path: path.to_owned(),
            defined: BTreeSet::new(),
            imported: BTreeMap::new(),
            globs: Vec::new(),
            mentioned: BTreeSet::new(),
        };
        let mut at = 0;
        while at < tokens.len() {
            // `use<'a>` is a capture bound, not an import.
            if tokens[at].text == "use" && tokens.get(at + 1).is_some_and(|t| t.text != "<") {
                let exported = at > 0 && matches!(tokens[at - 1].text, "pub" | ")");
                at = file.read_use(tokens, at + 1, Vec::new(), exported);
            } else {
                at += file.read_path(tokens, at);
            }
        }
        let exported: Vec<(String, Vec<String>)> = file
            .imported
            .iter()
            .filter(|(_, import)| !import.exported)
            .map(|(name, import)| (name.clone(), import.path.clone()))
            .collect();
        file.mentioned
            .extend(exported.into_iter().map(|(_, path)| path));
        file
    }

    /// Reads a tree of imports and returns the index of the token after it.
    fn read_use(
        &mut self,
        tokens: &[Token<'_>],
        mut at: usize,
        mut path: Vec<String>,
        exported: bool,
    ) -> usize {
        let prefix = path.len();
        let mut renamed = None;
        while let Some(token) = tokens.get(at) {
            match token.text {
                "::" => {}
                "{" => {
                    at += 1;
                    while tokens.get(at).is_some_and(|token| token.text != "}") {
                        at = self.read_use(tokens, at, path.clone(), exported);
                        at += usize::from(tokens.get(at).is_some_and(|t| t.text == ","));
                    }
                    return at + 1;
                }
                "," | "}" | ";" => break,
                "as" => {
                    at += 1;
                    renamed = tokens.get(at).map(|token| token.text.to_owned());
                }
                name => path.push(name.to_owned()),
            }
            at += 1;
        }
        match path.last().map(String::as_str) {
            Some("*") => {
                path.pop();
                self.globs.push(path);
            }
            Some("self") if prefix > 0 => {
                path.pop();
                self.import(renamed, path, exported);
            }
            Some(_) => self.import(renamed, path, exported),
            None => {}
        }
        at
    }

    fn import(&mut self, renamed: Option<String>, path: Vec<String>, exported: bool) {
        if let Some(name) = renamed.or_else(|| path.last().cloned()) {
            self.imported.insert(name, Import { path, exported });
        }
    }

    /// Reads a definition or a path and returns its number of tokens.
    fn read_path(&mut self, tokens: &[Token<'_>], at: usize) -> usize {
        const DEFINES: [&str; 9] = [
            "fn", "struct", "enum", "trait", "type", "const", "static", "mod", "union",
        ];
        let word = |token: &Token<'_>| {
            token
                .text
                .starts_with(|c: char| c.is_alphabetic() || c == '_')
        };
        if at > 0 && DEFINES.contains(&tokens[at - 1].text) && word(&tokens[at]) {
            self.defined.insert(tokens[at].text.to_owned());
            return 1;
        }
        if at > 1 && tokens[at - 1].text == "!" && tokens[at - 2].text == "macro_rules" {
            self.defined.insert(tokens[at].text.to_owned());
            return 1;
        }
        if !word(&tokens[at]) || (at > 0 && matches!(tokens[at - 1].text, "::" | ".")) {
            return 1;
        }
        let mut path = vec![tokens[at].text.to_owned()];
        let mut length = 1;
        while let [separator, name, ..] = &tokens[at + length..]
            && separator.text == "::"
            && word(name)
        {
            path.push(name.text.to_owned());
            length += 2;
        }
        self.mentioned.insert(path);
        length
    }
}

/// The entries of a folder (its files and folders) with the entries that they use.
fn entries(
    uses: &BTreeMap<Module, BTreeSet<Module>>,
    folder: &[String],
) -> BTreeMap<Module, BTreeSet<Module>> {
    let entry = |module: &Module| {
        (module.len() > folder.len() && module.starts_with(folder))
            .then(|| module[..=folder.len()].to_vec())
    };
    let mut graph: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, targets) in uses {
        let Some(from) = entry(module) else { continue };
        let to = targets.iter().filter_map(entry).filter(|to| *to != from);
        graph.entry(from.clone()).or_default().extend(to);
    }
    graph
}

fn child(module: &Module, name: &str) -> Module {
    let mut child = module.clone();
    child.push(name.to_owned());
    child
}

/// The modules with their own files that a file declares.
fn declared<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let declaration = |window: &[Token<'a>]| match window {
        [keyword, name, end] if keyword.text == "mod" && end.text == ";" => Some(name.text),
        _ => None,
    };
    tokens.windows(3).filter_map(declaration).collect()
}

/// Modules as `a::b -> c`.
fn shown(modules: &[Module]) -> String {
    let name = |module: &Module| {
        if module.is_empty() {
            "root".to_owned()
        } else {
            module.join("::")
        }
    };
    modules.iter().map(name).collect::<Vec<_>>().join(" -> ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
