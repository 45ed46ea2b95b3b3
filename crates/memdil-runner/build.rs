//! Sets environment variables with the commit, lockfile and compiler of the build.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

fn main() {
    // Read at run time instead of with `env!`: Cargo may reuse the compiled build script for a
    // checkout at another path.
    let root = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../..");
    for watched in [".git/HEAD", ".git/logs/HEAD", "Cargo.lock", "crates"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let lockfile = fs::read(root.join("Cargo.lock")).ok();
    let lockfile = lockfile.map(|text| Sha256::digest(&text));
    let lockfile = lockfile.map(|sha| sha.iter().map(|b| format!("{b:02x}")).collect());
    let git = |arguments: &[&str]| output(Command::new("git").arg("-C").arg(&root).args(arguments));
    let commit = git(&["rev-parse", "HEAD"]).map(|commit| {
        let clean = git(&["status", "--porcelain", "--", "crates", "Cargo.lock"])
            .is_some_and(|s| s.is_empty());
        if clean {
            commit
        } else {
            format!("{commit}-dirty")
        }
    });
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let rustc = output(Command::new(rustc).arg("--version"));
    for (name, value) in [("COMMIT", commit), ("LOCKFILE", lockfile), ("RUSTC", rustc)] {
        println!(
            "cargo::rustc-env=MEMDIL_{name}={}",
            value.unwrap_or_else(|| "unknown".to_owned())
        );
    }
}

/// The first line of a command's output, if the command succeeds.
fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|o| o.status.success())?;
    let printed = String::from_utf8(output.stdout).ok()?;
    Some(printed.lines().next().unwrap_or_default().to_owned())
}
