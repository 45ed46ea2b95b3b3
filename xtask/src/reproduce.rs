//! `cargo xtask reproduce`: builds the program and runs `memdil reproduce` with the same arguments.

mod presets;

use std::path::PathBuf;
use std::process::Command;

use crate::arguments;
use crate::failure::Failure;
use crate::process::check;
use crate::program;
use crate::workspace::root;

/// The flags of `memdil reproduce` that take a value.
#[rustfmt::skip]
const VALUED: [&str; 17] = [
    "--preset", "--only", "--out", "--experiments", "--jobs", "--checkpoint-every", "--device", "--data-dir",
    "--engine", "--submit", "--partition", "--account", "--time", "--cpus-per-task", "--gpus-per-task",
    "--max-parallel", "--sbatch-arg",
];
const SWITCHES: [&str; 2] = ["--dry-run", "--tensorboard"];

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    // Checked here because the program could reject the arguments only after a build of minutes.
    arguments::check("reproduce", given, &VALUED, &SWITCHES)?;
    let device = program::device(given)?;
    let value = |flag| arguments::values(given, flag).next();
    for flag in ["--experiments", "--data-dir"] {
        for folder in arguments::values(given, flag) {
            if !PathBuf::from(folder).is_dir() {
                return Err(Failure::usage(format!(
                    "{flag} {folder}: is not a folder; create it or correct the path"
                )));
            }
        }
    }
    let preset = value("--preset").unwrap_or("quick");
    let experiments =
        value("--experiments").map_or_else(|| root().join("experiments"), PathBuf::from);
    let only: Vec<&str> = arguments::values(given, "--only").collect();
    presets::check(&experiments, preset, &only)?;

    let mut command = Command::new(program::build(device)?);
    command.arg("reproduce").args(given);
    // The defaults are relative to the checkout, not to the current folder, and include experiment
    // files that the program does not embed.
    if value("--out").is_none() {
        command
            .arg("--out")
            .arg(root().join("reproduction").join(preset));
    }
    if value("--experiments").is_none() {
        command.arg("--experiments").arg(experiments);
    }
    let words: Vec<String> = given.iter().map(|word| shell_word(word)).collect();
    let shown = format!("cargo xtask reproduce {}", words.join(" "));
    check(command.args(["--shown-as", shown.trim_end(), "--worker"]))
}

/// A word of a command, quoted only if a shell would change it.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/=:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sources of the structs from which clap derives the flags.
    const SOURCES: [&str; 2] = [
        include_str!("../../crates/memdil/src/reproduce/arguments.rs"),
        include_str!("../../crates/memdil/src/arguments.rs"),
    ];

    #[test]
    fn the_flags_are_those_of_the_program() {
        // Flags of other subcommands, renamed fields and hidden flags.
        let others = [
            "--config",
            "--set",
            "--data-dirs",
            "--shown-as",
            "--report-only",
            "--worker",
        ];
        let lines = SOURCES.iter().flat_map(|source| source.lines());
        let fields = lines.filter_map(|line| {
            let (name, kind) = line.trim().strip_suffix(',')?.split_once(": ")?;
            let name = name.rsplit(' ').next()?;
            let is_field = line.starts_with("    ") && !line.starts_with("     ");
            let is_flag = is_field && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let has_flags = [
                "Processes",
                "Running",
                "Machine",
                "DataDirs",
                "TaskArguments",
            ];
            (is_flag && !has_flags.contains(&kind)).then(|| format!("--{}", name.replace('_', "-")))
        });
        let mut fields: Vec<String> = fields
            .filter(|name| !others.contains(&name.as_str()))
            .collect();
        let mut known: Vec<&str> = VALUED.into_iter().chain(SWITCHES).collect();
        known.retain(|name| *name != "--data-dir");
        known.sort_unstable();
        fields.sort();
        fields.dedup();
        assert_eq!(fields, known);
    }
}
