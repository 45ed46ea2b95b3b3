//! `cargo xtask reproduce`: builds the program and runs `memdil reproduce` with the same arguments.

mod flags;
mod presets;

use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::process::check;
use crate::program;
use crate::workspace::root;

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    // A first build takes minutes: the program would refuse these arguments only then.
    let device = program::device(arguments)?;
    let given = flags::check(arguments)?;
    let values = |flag| {
        given
            .iter()
            .filter(move |(name, _)| *name == flag)
            .map(|(_, value)| *value)
    };
    let preset = values("--preset").next().unwrap_or("quick");
    let own_experiments = root().join("experiments");
    let experiments = values("--experiments").next().map(PathBuf::from);
    let only: Vec<&str> = values("--only").collect();
    presets::check(
        experiments.as_ref().unwrap_or(&own_experiments),
        preset,
        &only,
    )?;

    let mut command = Command::new(program::build(device)?);
    command.arg("reproduce").args(arguments);
    // In a checkout the outputs are in one place, and its experiment files count, new ones too.
    if values("--out").next().is_none() {
        command
            .arg("--out")
            .arg(root().join("reproduction").join(preset));
    }
    if experiments.is_none() {
        command.arg("--experiments").arg(own_experiments);
    }
    let shown = format!("cargo xtask reproduce {}", arguments.join(" "));
    check(command.args(["--shown-as", shown.trim_end(), "--worker"]))
}
