use super::*;

/// The circles of a crate whose `lib.rs` declares the other files.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("memdil-modules-{}", std::process::id()));
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let modules = Modules::read(&folder.join("lib.rs")).ok().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    modules.circles()
}

#[test]
fn circles_are_found_through_reexports_and_folders() {
    let lib = "mod a;\nmod b;\npub use a::A;\n";
    let a = "mod one;\npub use one::A;\n";
    let one = "use crate::b::{self, B};\npub struct A(B);\n";
    let straight = [
        ("lib.rs", lib),
        ("a/mod.rs", a),
        ("a/one.rs", one),
        ("b.rs", "//! Uses a::A.\npub struct B;\n"),
    ];
    assert_eq!(circles_of(&straight), Vec::<String>::new());
    let mut round = straight;
    round[3].1 = "pub struct B;\nfn f(_: crate::A) {}\n";
    assert_eq!(
        circles_of(&round),
        [
            "circle of files: a::one -> b",
            "circle of entries: a -> b (a::one -> b, b -> a::one)"
        ]
    );
}
