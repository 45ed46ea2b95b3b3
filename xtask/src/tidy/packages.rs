//! What packages depend on.

use std::collections::BTreeSet;
use std::path::Path;

use crate::failure::Failure;
use crate::process::output;
use crate::workspace::{cargo, find, read};

/// What each crate may depend on. An arrow that is not here points up.
const ARROWS: &[(&str, &[&str])] = &[
    ("memdil-kernels", &[]),
    ("memdil-data", &[]),
    ("memdil-metrics", &[]),
    ("memdil-losses", &[]),
    ("memdil-models", &["memdil-kernels"]),
    ("memdil-theory", &["memdil-losses"]),
    ("memdil-records", &["memdil-data", "memdil-losses"]),
    (
        "memdil-claims",
        &[
            "memdil-losses",
            "memdil-metrics",
            "memdil-records",
            "memdil-theory",
        ],
    ),
    (
        "memdil-report",
        &[
            "memdil-claims",
            "memdil-losses",
            "memdil-records",
            "memdil-theory",
        ],
    ),
    (
        "memdil-runner",
        &[
            "memdil-data",
            "memdil-kernels",
            "memdil-losses",
            "memdil-metrics",
            "memdil-models",
            "memdil-records",
        ],
    ),
    (
        "memdil",
        &[
            "memdil-claims",
            "memdil-data",
            "memdil-losses",
            "memdil-metrics",
            "memdil-records",
            "memdil-report",
            "memdil-runner",
            "memdil-theory",
        ],
    ),
];

/// Crates whose normal build must not contain these packages.
const ABSENT: &[(&str, &[&str])] = &[
    ("memdil-data", &["candle-core", "tokio", "ureq"]),
    ("memdil-kernels", &["candle-core"]),
    ("memdil-metrics", &["candle-core"]),
    ("memdil-theory", &["candle-core"]),
    ("memdil-records", &["candle-core"]),
    ("memdil-claims", &["candle-core"]),
    ("memdil-report", &["candle-core"]),
    // What the feature `hub` brings.
    ("memdil", &["candle-datasets", "hf-hub", "tokio"]),
];

/// Packages that may be in the graph once only.
const SINGLE: &[&str] = &["ndarray", "gemm", "candle-core"];

/// Every crate is known, inherits the lints, and depends on lower crates only.
pub(super) fn arrows(root: &Path, faults: &mut Vec<String>) -> Result<(), Failure> {
    let mut seen = 0;
    for manifest in find(&root.join("crates"), &["toml"])? {
        if manifest.file_name().is_none_or(|n| n != "Cargo.toml") {
            continue;
        }
        let text = read(&manifest)?;
        // Fuzz targets are workspaces of their own.
        if text.contains("cargo-fuzz = true") {
            continue;
        }
        let name = manifest
            .parent()
            .and_then(Path::file_name)
            .unwrap_or_default()
            .to_string_lossy();
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
            faults.push(format!(
                "{name}: not in the table of arrows; say what it may depend on"
            ));
            continue;
        };
        seen += 1;
        if !text.contains("[lints") {
            faults.push(format!("{name}: does not inherit the workspace's lints"));
        }
        let mut normal = false;
        for line in text.lines() {
            if line.starts_with('[') {
                normal = line == "[dependencies]";
            }
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if normal && dependency.starts_with("memdil") && !allowed.contains(&dependency) {
                faults.push(format!("{name} -> {dependency}: this arrow points up"));
            }
        }
    }
    if seen != ARROWS.len() {
        faults.push(format!(
            "{} crates in the table of arrows, {seen} in crates/",
            ARROWS.len()
        ));
    }
    Ok(())
}

/// The dependency graph keeps its promises.
pub(super) fn graph(root: &Path, faults: &mut Vec<String>) -> Result<(), Failure> {
    for (name, absent) in ABSENT {
        let tree = tree(root, &["--edges", "normal", "--package", name])?;
        for package in *absent {
            if tree
                .lines()
                .any(|line| line.split(' ').next() == Some(package))
            {
                faults.push(format!("{name}: its normal build contains {package}"));
            }
        }
    }
    let all = tree(root, &["--edges", "normal", "--workspace"])?;
    for package in SINGLE {
        let mut versions: Vec<&str> = all
            .lines()
            .filter_map(|l| {
                l.strip_prefix(package)?
                    .strip_prefix(' ')?
                    .split(' ')
                    .next()
            })
            .collect();
        versions.sort_unstable();
        versions.dedup();
        if versions.len() > 1 {
            faults.push(format!(
                "{package}: {} versions in the graph: {}",
                versions.len(),
                versions.join(", ")
            ));
        }
    }
    Ok(())
}

/// The program and the tests use the same features of every dependency, so that `cargo test` reuses
/// what `cargo xtask reproduce` compiled.
pub(super) fn features(root: &Path, faults: &mut Vec<String>) -> Result<(), Failure> {
    let packages = |arguments: &[&str]| -> Result<BTreeSet<String>, Failure> {
        let lines = tree(root, &[&["--format", "{p} {f}"], arguments].concat())?;
        let own = root.display().to_string();
        let dependencies = lines.lines().filter(|line| !line.contains(&own));
        let packages = dependencies.map(|line| line.trim_end_matches(" (*)").to_owned());
        Ok(packages.collect())
    };
    let program = packages(&["--edges", "normal,build", "--package", "memdil"])?;
    let tests = packages(&["--edges", "normal,build,dev", "--workspace"])?;
    for package in program.difference(&tests) {
        faults.push(format!(
            "{package}: cargo test enables other features of it than the program, so it is \
             compiled twice: request the same features in both"
        ));
    }
    Ok(())
}

/// What `cargo tree` prints, a package per line.
fn tree(root: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let mut command = cargo();
    command.args(["tree", "--prefix", "none", "--locked"]);
    output(command.args(arguments).current_dir(root))
}
