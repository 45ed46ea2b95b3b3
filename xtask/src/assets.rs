//! `cargo xtask assets --from DIR`: the embedded images, made again from the full data set.

use std::path::Path;

use crate::failure::Failure;
use crate::process::check;
use crate::workspace::{cargo, root};

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let [flag, from] = arguments else {
        return Err(Failure::usage("assets takes --from DIR"));
    };
    if flag != "--from" {
        return Err(Failure::usage(format!(
            "assets takes --from DIR, not '{flag}'"
        )));
    }
    if !Path::new(from).is_dir() {
        return Err(Failure::usage(format!(
            "{from} is not a folder; name the one with the four Fashion-MNIST files"
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
