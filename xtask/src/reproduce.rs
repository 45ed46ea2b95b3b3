//! `cargo xtask reproduce`: builds the program and runs `memdil reproduce` with the same arguments.

use std::process::Command;

use crate::failure::Failure;
use crate::process::check;
use crate::program;
use crate::workspace::root;

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let device = value(arguments, "--device").unwrap_or("cpu");
    if device != "cpu" && !program::is_cuda(device) {
        return Err(Failure::usage(format!(
            "--device {device}: must be cpu or cuda:N"
        )));
    }
    let mut command = Command::new(program::build(device)?);
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

/// The value of an argument, after it or behind `=`.
fn value<'a>(arguments: &'a [String], flag: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| {
        let name = argument.split('=').next();
        name == Some(flag)
    })?;
    match arguments[at].split_once('=') {
        Some((_, value)) => Some(value),
        None => arguments.get(at + 1).map(String::as_str),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_their_flag() {
        let arguments = ["--preset=smoke", "--out", "a"].map(str::to_owned);
        assert_eq!(value(&arguments, "--preset"), Some("smoke"));
        assert_eq!(value(&arguments, "--out"), Some("a"));
        assert_eq!(value(&arguments, "--device"), None);
    }
}
