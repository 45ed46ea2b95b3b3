//! `cargo xtask assets --from DIR`: rebuilds the embedded images from the full data set.

use std::path::Path;

use crate::arguments;
use crate::failure::Failure;
use crate::process::check;
use crate::workspace::{cargo, root};

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    arguments::check("assets", given, &["--from"], &[])?;
    let from = arguments::value(given, "--from")
        .ok_or_else(|| Failure::usage("assets: needs --from DIR; see cargo xtask help"))?;
    if !Path::new(from).is_dir() {
        return Err(Failure::usage(format!(
            "--from {from}: is not a folder; give the folder with the four Fashion-MNIST files"
        )));
    }
    let root = root();
    let mut command = cargo();
    command.args([
        "run",
        "--quiet",
        "--package",
        "memdil-data",
        "--no-default-features",
        "--example",
        "embed",
        "--",
    ]);
    command
        .arg("--from")
        .arg(std::path::absolute(from).unwrap_or_else(|_| from.into()));
    command
        .arg("--out")
        .arg(root.join("crates/memdil-data/assets"));
    check(command.current_dir(root))
}
