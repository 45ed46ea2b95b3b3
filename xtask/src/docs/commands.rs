//! Checks the commands in the documentation: runs them in a scratch folder, or compares them with
//! the help of the program.

use std::time::Instant;

use super::markdown;
use super::page::Page;
use super::scratch::Scratch;
use crate::failure::Failure;
use crate::help::HELP;

/// How a command is checked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// The command is run with these additional arguments, which shorten it.
    Run(&'static str),
    /// The help must mention the subcommand and every flag.
    Usage,
    /// The command is skipped for this reason.
    Skip(&'static str),
}

/// The rules of commands: the first row whose words all occur in the command applies. A command
/// with a placeholder (`[--json]`, `a | b`, `DIR`) is always checked by `Usage`.
const RULES: &[(&[&str], Rule)] = &[
    (&["reproduce"], Rule::Run("--dry-run --out dry-run")),
    (&["cargo", "xtask"], Rule::Usage),
    (&["cargo", "install"], Rule::Skip("it downloads")),
    (&["cargo"], Rule::Skip("CI builds and tests everything")),
    (&["tensorboard"], Rule::Skip("not part of this project")),
    (
        &["memdil", "--hub"],
        Rule::Skip("needs a program built with the feature hub"),
    ),
    (&["memdil", "data", "fetch"], Rule::Usage),
    (
        &["memdil", "train"],
        Rule::Run(
            "--set training.epochs=1 --set data.images_per_class=20 --set data.test_images_per_class=20",
        ),
    ),
    (
        &["memdil", "sweep", "plan"],
        Rule::Run(
            "--set seed=0 --set training.epochs=1 --set data.images_per_class=20 --set data.test_images_per_class=20",
        ),
    ),
    (
        &["memdil", "search"],
        Rule::Run(
            "--set seed=0 --set training.epochs=1 --set data.images_per_class=20 --set search.trials=1",
        ),
    ),
    (&[], Rule::Run("")),
];

/// Commands with a word that ends in one of these need the full Fashion-MNIST data.
const FULL_DATA: &[&str] = &[
    "fashion-mnist",
    "fashion-mnist.toml",
    "fashion-mnist-reference.toml",
    "standard",
];

#[derive(Default)]
pub(super) struct Counts {
    pub(super) run: usize,
    pub(super) usage: usize,
    pub(super) skipped: usize,
}

/// Checks the commands of all pages, each page in its own folder.
pub(super) fn check(
    pages: &[Page],
    scratch: &Scratch,
    faults: &mut Vec<String>,
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    for page in pages {
        let blocks = markdown::blocks(&page.text, "console");
        if blocks.is_empty() {
            continue;
        }
        scratch.page()?;
        for block in blocks {
            let commands = block
                .iter()
                .filter_map(|(number, line)| Some((number, command(line)?)));
            let mut missing = false;
            for (number, command) in commands {
                let place = format!("{}:{number}", page.shown);
                let mut rule = rule(&command);
                if matches!(rule, Rule::Run(_)) {
                    // Later commands of a block depend on the earlier ones.
                    missing |= !scratch.has_full_data() && needs_full_data(&command);
                    if missing {
                        rule = Rule::Skip("needs the full Fashion-MNIST data");
                    }
                }
                let start = Instant::now();
                let (done, result) = match rule {
                    Rule::Skip(why) => {
                        counts.skipped += 1;
                        println!("skip   {place}  {command}: {why}");
                        continue;
                    }
                    Rule::Usage => {
                        counts.usage += 1;
                        ("usage", usage(&command, scratch))
                    }
                    Rule::Run(more) => {
                        counts.run += 1;
                        (
                            "run  ",
                            scratch
                                .run(format!("{command} {more}").trim_end())
                                .map(|_| ()),
                        )
                    }
                };
                let more = match rule {
                    Rule::Run(more) if !more.is_empty() => format!("  + {more}"),
                    _ => String::new(),
                };
                println!(
                    "{done}  {place}  {command}{more}  ({:.1} s)",
                    start.elapsed().as_secs_f64()
                );
                faults.extend(
                    result
                        .err()
                        .map(|fault| format!("{place}: {command}{more}: {fault}")),
                );
            }
        }
    }
    Ok(counts)
}

/// The command in a line of a block, without the comment.
fn command(line: &str) -> Option<String> {
    let command = line.trim().strip_prefix("$ ")?;
    Some(
        command
            .split(" #")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned(),
    )
}

fn rule(command: &str) -> Rule {
    if command.split_whitespace().any(is_placeholder) {
        return Rule::Usage;
    }
    let words: Vec<&str> = command.split_whitespace().map(program).collect();
    let row = RULES
        .iter()
        .find(|(row, _)| row.iter().all(|word| words.contains(word)));
    row.map_or(Rule::Run(""), |(_, rule)| *rule)
}

/// The name of a program without the folder `target/`.
fn program(word: &str) -> &str {
    word.strip_prefix("target/").unwrap_or(word)
}

fn is_placeholder(word: &str) -> bool {
    word == "|" || word.starts_with('[') || word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

fn needs_full_data(command: &str) -> bool {
    command
        .split_whitespace()
        .any(|word| FULL_DATA.iter().any(|end| word.ends_with(end)))
}

/// Compares a command with the help of its subcommand, or of each alternative in `a | b | c`: the
/// help must exist and mention every flag.
fn usage(command: &str, scratch: &Scratch) -> Result<(), String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let flags = words
        .iter()
        .map(|word| word.trim_start_matches('['))
        .filter(|word| word.starts_with("--"));
    let flags: Vec<&str> = flags
        .map(|flag| {
            flag.split(|c: char| !c.is_alphanumeric() && c != '-')
                .next()
                .unwrap_or_default()
        })
        .collect();
    let named = words
        .iter()
        .copied()
        .take_while(|word| *word == "|" || !(is_placeholder(word) || word.starts_with('-')));
    let named: Vec<&str> = named.collect();
    let choices = named
        .iter()
        .position(|word| *word == "|")
        .map_or(named.len(), |bar| bar - 1);
    let (shared, choices) = named.split_at(choices);
    let choices = choices
        .iter()
        .copied()
        .filter(|word| *word != "|")
        .map(Some);
    let choices: Vec<Option<&str>> = if choices.clone().next().is_none() {
        vec![None]
    } else {
        choices.collect()
    };
    for choice in choices {
        let named: Vec<&str> = shared.iter().copied().chain(choice).collect();
        let help = match named.as_slice() {
            ["cargo", "xtask", task] => {
                task_help(task).ok_or_else(|| format!("unknown task {task}"))?
            }
            _ => scratch.run(&format!("{} --help", named.join(" ")))?,
        };
        let known: Vec<&str> = help
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .collect();
        if let Some(unknown) = flags.iter().find(|flag| !known.contains(flag)) {
            return Err(format!(
                "the help of {} does not mention {unknown}",
                named.join(" ")
            ));
        }
    }
    Ok(())
}

/// The part of the help of `cargo xtask` that describes a task.
fn task_help(task: &str) -> Option<String> {
    let is_task = |line: &str| line.starts_with("  ") && !line.starts_with("   ");
    let mut lines = HELP
        .lines()
        .skip_while(|line| !is_task(line) || line.split_whitespace().next() != Some(task));
    let first = lines.next()?;
    Some(
        std::iter::once(first)
            .chain(lines.take_while(|line| line.starts_with("   ")))
            .collect::<Vec<_>>()
            .join("\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_a_command_is_found() {
        let command =
            command("$ target/memdil train --config F.toml --out runs/a    # a note").unwrap();
        assert_eq!(command, "target/memdil train --config F.toml --out runs/a");
        assert!(matches!(rule(&command), Rule::Run(more) if more.contains("training.epochs=1")));
        assert_eq!(rule("memdil train --config F.toml --out DIR"), Rule::Usage);
        assert_eq!(rule("memdil theory lpm | md"), Rule::Usage);
        assert_eq!(rule("memdil data fetch mnist"), Rule::Usage);
        assert!(matches!(rule("cargo test --workspace"), Rule::Skip(_)));
        assert_eq!(rule("memdil metrics --features h.npy > a"), Rule::Run(""));
        assert!(
            needs_full_data("memdil train --set data.source=fashion-mnist")
                && !needs_full_data("memdil train --out fashion-mnist-a")
        );
    }

    #[test]
    fn the_help_of_a_task_has_only_its_flags() {
        assert!(
            task_help("reproduce").unwrap().contains("--dry-run")
                && !task_help("tidy").unwrap().contains("--dry-run")
        );
        assert_eq!(task_help("nothing"), None);
    }
}
