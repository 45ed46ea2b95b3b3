//! `cargo xtask reproduce`: builds the program and runs `memdil reproduce` with the same arguments.

use std::process::Command;

use crate::arguments::value;
use crate::failure::Failure;
use crate::process::check;
use crate::program;
use crate::workspace::root;

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut command = Command::new(program::build(program::device(arguments)?)?);
    command.arg("reproduce").args(arguments);
    // In a checkout the outputs are in one place, and its experiment files count, new ones too.
    if value(arguments, "--out").is_none() {
        let preset = value(arguments, "--preset").unwrap_or("quick");
        command
            .arg("--out")
            .arg(root().join("reproduction").join(preset));
    }
    if value(arguments, "--experiments").is_none() {
        command.arg("--experiments").arg(root().join("experiments"));
    }
    let shown = format!("cargo xtask reproduce {}", arguments.join(" "));
    check(command.args(["--shown-as", shown.trim_end(), "--worker"]))
}
