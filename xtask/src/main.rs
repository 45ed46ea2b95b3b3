//! The development tasks of the workspace. This program builds and runs other programs. It has no
//! dependencies, not even on the crates of the workspace, so that it compiles in a moment.

mod arguments;
mod assets;
mod bench;
mod docs;
mod failure;
mod gpu_check;
mod help;
mod json;
mod messages;
mod process;
mod program;
mod reproduce;
#[cfg(test)]
mod scratch;
mod tidy;
mod workspace;

use std::process::ExitCode;

use failure::Failure;
use help::HELP;

fn main() -> ExitCode {
    let given: Result<Vec<String>, _> = std::env::args_os()
        .skip(1)
        .map(|word| word.into_string())
        .collect();
    let Ok(mut arguments) = given else {
        eprintln!("error: arguments of xtask must be UTF-8");
        return ExitCode::from(2);
    };
    let task = (!arguments.is_empty()).then(|| arguments.remove(0));
    let result = match task.as_deref() {
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(())
        }
        _ if arguments.iter().any(|a| a == "--help" || a == "-h") => {
            print!("{HELP}");
            Ok(())
        }
        Some("reproduce") => reproduce::run(&arguments),
        Some("build") => program::run(&arguments),
        Some("bench") => bench::run(&arguments),
        Some("docs") => docs::run(&arguments),
        Some("gpu-check") => gpu_check::run(&arguments),
        Some("messages") => messages::run(&arguments),
        Some("tidy") => tidy::run(&arguments),
        Some("assets") => assets::run(&arguments),
        Some(other) => Err(Failure::usage(format!(
            "unknown task '{other}'; see cargo xtask help"
        ))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("error: {}", failure.message);
            }
            ExitCode::from(failure.status)
        }
    }
}
