use super::*;
use crate::scratch::TestFolder;

/// The modules of a crate with these files.
fn modules_of(files: &[(&str, &str)]) -> Modules {
    let folder = TestFolder::with(files);
    Modules::read(&folder.path().join("lib.rs")).ok().unwrap()
}

fn cycles_of(files: &[(&str, &str)]) -> Vec<String> {
    modules_of(files).cycles()
}

/// Removes the folders of paths, which differ between tests.
fn without_paths(found: Vec<String>) -> Vec<String> {
    let name = |text: &String| text.rsplit('/').next().map(str::to_owned);
    found.iter().filter_map(name).collect()
}

#[test]
fn cycles_through_reexports_and_folders_are_reported() {
    let lib = "mod a;\nmod b;\npub use a::A;\n";
    let a = "mod one;\npub use one::A;\n";
    let one = "use crate::b::{self, B};\npub struct A(B);\n";
    let acyclic = [
        ("lib.rs", lib),
        ("a/mod.rs", a),
        ("a/one.rs", one),
        ("b.rs", "//! Uses a::A.\npub struct B;\n"),
    ];
    assert_eq!(cycles_of(&acyclic), Vec::<String>::new());
    let mut cyclic = acyclic;
    cyclic[3].1 = "pub struct B;\nfn f(_: crate::A) {}\n";
    assert_eq!(
        cycles_of(&cyclic),
        [
            "cycle of files: a::one -> b",
            "cycle of entries: a -> b (a::one -> b, b -> a::one)"
        ]
    );
}

#[test]
fn an_import_through_the_root_is_reported() {
    let lib = "mod a;\nmod b;\npub use a::A;\n";
    let a = "pub struct A;\n";
    let found = |b| {
        let modules = modules_of(&[("lib.rs", lib), ("a.rs", a), ("b.rs", b)]);
        without_paths(modules.through_root())
    };
    assert_eq!(found("use crate::a::A;\nfn f(_: A) {}\n"), [""; 0]);
    assert_eq!(found("use crate::A;\nfn f(_: A) {}\n"), ["b.rs: A"]);
    assert_eq!(found("fn f(_: super::A) {}\n"), ["b.rs: A"]);
}

#[test]
fn a_glob_import_of_a_local_module_is_reported() {
    let found = |b| {
        let files = [
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "pub enum A { B }\n"),
            ("b.rs", b),
        ];
        without_paths(modules_of(&files).local_globs())
    };
    let clean = "use other::prelude::*;\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n";
    assert_eq!(found(clean), [""; 0]);
    assert_eq!(found("use crate::a::*;\n"), ["b.rs: crate::a::*"]);
    assert_eq!(found("use super::{a::{self, *}};\n"), ["b.rs: super::a::*"]);
    assert_eq!(found("use crate::a::A::*;\n"), ["b.rs: crate::a::A::*"]);
    assert_eq!(
        found("mod inner {\n    use super::*;\n}\n"),
        ["b.rs: super::*"]
    );
}
