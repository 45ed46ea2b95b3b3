//! Checks the dependencies of packages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::json;
use crate::process::output;
use crate::workspace::{cargo, metadata, read};

/// Each package, and the packages of the workspace on which it may depend outside tests. This table
/// defines the layers.
const ALLOWED: &str = "\
xtask:
memdil-benches:
own-model: memdil-data memdil-models memdil-records memdil-runner
memdil-kernels:
memdil-data:
memdil-metrics:
memdil-losses:
memdil-models: memdil-kernels
memdil-theory: memdil-losses
memdil-records: memdil-data memdil-losses
memdil-claims: memdil-losses memdil-metrics memdil-records memdil-theory
memdil-report: memdil-claims memdil-losses memdil-metrics memdil-records memdil-theory
memdil-runner: memdil-data memdil-kernels memdil-losses memdil-metrics memdil-models memdil-records
memdil: memdil-claims memdil-data memdil-losses memdil-metrics memdil-records memdil-report \
        memdil-runner memdil-theory";

/// Packages that the normal build of a crate must not contain.
const ABSENT: &[(&str, &[&str])] = &[
    ("memdil-data", &["candle-core", "tokio", "ureq"]),
    ("memdil-kernels", &["candle-core"]),
    ("memdil-metrics", &["candle-core"]),
    ("memdil-theory", &["candle-core"]),
    ("memdil-records", &["candle-core"]),
    ("memdil-claims", &["candle-core"]),
    ("memdil-report", &["candle-core"]),
    // Dependencies of the feature `hub`.
    ("memdil", &["candle-datasets", "hf-hub", "tokio"]),
];

/// Packages of which the dependency graph must contain a single version.
const SINGLE: &[&str] = &["ndarray", "gemm", "candle-core"];

/// A package of the workspace, as its manifest describes it.
struct Package<'a> {
    name: &'a str,
    manifest: PathBuf,
    /// Dependencies of normal builds and build scripts for all targets and features, without
    /// dependencies of tests.
    dependencies: Vec<&'a str>,
}

/// Checks that every package inherits the lints of the workspace and has exactly the dependencies
/// in [`ALLOWED`].
pub(super) fn dependencies(root: &Path, faults: &mut Vec<String>) -> Result<(), Failure> {
    let metadata = metadata(root)?;
    let packages = packages(&metadata);
    for package in &packages {
        if !read(&package.manifest)?.contains("[lints") {
            let name = package.name;
            faults.push(format!("{name}: does not inherit the workspace's lints"));
        }
    }
    faults.extend(dependency_faults(&packages, ALLOWED));
    Ok(())
}

/// Reads the packages from the output of `cargo metadata`.
fn packages(metadata: &str) -> Vec<Package<'_>> {
    const OBJECT: &str = "{\"name\":";
    let mut packages: Vec<Package<'_>> = Vec::new();
    // Each object is a package or a dependency of the last package; only dependencies have `req`.
    for (start, _) in metadata.match_indices(OBJECT) {
        let object = &metadata[start..];
        let end = object[OBJECT.len()..].find(OBJECT);
        let object = &object[..end.map_or(object.len(), |end| OBJECT.len() + end)];
        let name = json::text(object, "name").unwrap_or_default();
        if json::text(object, "req").is_none() {
            packages.push(Package {
                name,
                manifest: PathBuf::new(),
                dependencies: Vec::new(),
            });
        }
        let Some(package) = packages.last_mut() else {
            continue;
        };
        if package.name != name && json::text(object, "kind") != Some("dev") {
            package.dependencies.push(name);
        }
        if let Some(path) = json::text(object, "manifest_path") {
            package.manifest = json::path(path);
        }
    }
    packages
}

/// The differences between the packages and a table like [`ALLOWED`].
fn dependency_faults(packages: &[Package<'_>], table: &str) -> Vec<String> {
    let is_member = |name: &str| packages.iter().any(|package| package.name == name);
    let rows: BTreeMap<&str, Vec<&str>> = table
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, allowed)| (name, allowed.split_whitespace().collect()))
        .collect();
    let mut faults = Vec::new();
    for Package {
        name, dependencies, ..
    } in packages
    {
        let Some(allowed) = rows.get(name) else {
            faults.push(format!(
                "{name}: not in ALLOWED; list the packages that it may depend on"
            ));
            continue;
        };
        // xtask must not have external dependencies either.
        let checked = dependencies
            .iter()
            .filter(|other| *name == "xtask" || is_member(other));
        for dependency in checked.filter(|other| !allowed.contains(other)) {
            faults.push(format!("{name} -> {dependency}: dependency not in ALLOWED"));
        }
        for unused in allowed.iter().filter(|other| !dependencies.contains(other)) {
            faults.push(format!(
                "{name} -> {unused}: in ALLOWED, but not a dependency"
            ));
        }
    }
    for name in rows.keys().filter(|name| !is_member(name)) {
        faults.push(format!("{name}: in ALLOWED, but not a package"));
    }
    faults
}

/// Checks [`ABSENT`] and [`SINGLE`].
pub(super) fn external_packages(root: &Path, faults: &mut Vec<String>) -> Result<(), Failure> {
    for (name, absent) in ABSENT {
        let tree = tree(root, &["--edges", "normal", "--package", name])?;
        for package in *absent {
            if tree
                .lines()
                .any(|line| line.split(' ').next() == Some(package))
            {
                faults.push(format!("{name}: the normal build contains {package}"));
            }
        }
    }
    let all = tree(root, &["--edges", "normal", "--workspace"])?;
    for package in SINGLE {
        let version = |line: &'_ str| {
            let rest = line.strip_prefix(package)?.strip_prefix(' ')?;
            rest.split(' ').next().map(str::to_owned)
        };
        let versions: BTreeSet<String> = all.lines().filter_map(version).collect();
        if versions.len() > 1 {
            let versions = Vec::from_iter(versions).join(", ");
            faults.push(format!(
                "{package}: several versions in the graph: {versions}"
            ));
        }
    }
    Ok(())
}

/// Checks that the program and the tests enable the same features of every dependency, so that
/// `cargo test` reuses the dependencies compiled by `cargo xtask reproduce`.
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
            "{package}: compiled twice because cargo test enables other features than the program; \
             request the same features in both"
        ));
    }
    Ok(())
}

/// The output of `cargo tree`, with one package per line.
fn tree(root: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let mut command = cargo();
    command.args(["tree", "--prefix", "none", "--locked"]);
    output(command.args(arguments).current_dir(root))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::TestFolder;

    /// The faults of a workspace in which `high` depends on `low`; `low` is the end of the manifest
    /// of the package `low`.
    fn faults_of(low: &str) -> Vec<String> {
        let manifest = |name, rest| {
            format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}\n"
            )
        };
        let folder = TestFolder::with(&[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"low\", \"high\"]\nresolver = \"3\"\n",
            ),
            ("low/Cargo.toml", &manifest("low", low)),
            ("low/src/lib.rs", ""),
            (
                "high/Cargo.toml",
                &manifest("high", "[dependencies]\nlow = { path = \"../low\" }"),
            ),
            ("high/src/lib.rs", ""),
        ]);
        let metadata = metadata(folder.path()).ok().expect("metadata");
        dependency_faults(&packages(&metadata), "low:\nhigh: low")
    }

    #[test]
    fn dependencies_of_tests_and_external_ones_pass() {
        assert_eq!(faults_of(""), [""; 0]);
        assert_eq!(
            faults_of("[dev-dependencies]\nhigh.path = \"../high\""),
            [""; 0]
        );
        assert_eq!(faults_of("[dependencies]\nserde = \"1\""), [""; 0]);
    }

    #[test]
    fn a_forbidden_dependency_is_reported_in_every_kind_of_table() {
        for low in [
            "[dependencies]\nhigh.path = \"../high\"",
            "[dependencies]\nhigh = { path = \"../high\", optional = true }",
            "[dependencies.high]\npath = \"../high\"",
            "[build-dependencies]\nhigh.path = \"../high\"",
            "[target.'cfg(windows)'.dependencies]\nhigh.path = \"../high\"",
            "[dependencies]\nother = { package = \"high\", path = \"../high\" }",
            "[dev-dependencies]\nhigh.path = \"../high\"\n[dependencies.high]\npath = \"../high\"",
        ] {
            assert_eq!(
                faults_of(low),
                ["low -> high: dependency not in ALLOWED"],
                "{low}"
            );
        }
    }

    #[test]
    fn the_table_must_match_the_packages() {
        let package = |name, dependencies| Package {
            name,
            manifest: PathBuf::new(),
            dependencies,
        };
        let packages = [package("xtask", vec!["serde"]), package("new", vec![])];
        assert_eq!(
            dependency_faults(&packages, "xtask: low\nold:"),
            [
                "xtask -> serde: dependency not in ALLOWED",
                "xtask -> low: in ALLOWED, but not a dependency",
                "new: not in ALLOWED; list the packages that it may depend on",
                "old: in ALLOWED, but not a package",
            ]
        );
    }
}
