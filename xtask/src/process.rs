//! Runs other programs.

use std::process::{Command, ExitStatus, Stdio};

use crate::failure::Failure;

/// Runs a command and waits for it. The failure of a command has no message, because the command
/// has printed its own; only the status is passed on.
///
/// The standard input of the command is a pipe held by this process, so that a command that watches
/// the pipe exits when this process is killed.
pub(crate) fn check(command: &mut Command) -> Result<(), Failure> {
    let run = |command: &mut Command| {
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        let held = child.stdin.take();
        let status = child.wait();
        drop(held);
        status
    };
    let status = run(command).map_err(|e| {
        Failure::internal(format!(
            "cannot start {}: {e}",
            command.get_program().to_string_lossy()
        ))
    })?;
    if status.success() {
        return Ok(());
    }
    Err(Failure {
        message: String::new(),
        status: self::status(status),
    })
}

/// Runs a command and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|e| Failure::internal(format!("cannot start {program}: {e}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    // The last line is the error message; `main` adds the prefix "error: ".
    let text = String::from_utf8_lossy(&output.stderr);
    let message = text
        .trim()
        .lines()
        .next_back()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned();
    Err(Failure {
        message,
        status: status(output.status),
    })
}

/// The exit status to pass on for a command that failed.
pub(crate) fn status(status: ExitStatus) -> u8 {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1)
}
