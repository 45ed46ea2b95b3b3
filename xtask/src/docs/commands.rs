//! The commands that the documentation shows: run in a scratch folder, or compared with the
//! program's own help.

use std::time::Instant;

use super::markdown;
use super::page::Page;
use super::scratch::Scratch;
use crate::failure::Failure;
use crate::help::HELP;

/// What is done with a command.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// It runs, with these arguments added so that it ends soon.
    Run(&'static str),
    /// The program must know the subcommand and every flag.
    Usage,
    Skip(&'static str),
}

/// A line with a placeholder (`[--json]`, `a | b`, `DIR`) shows a usage. For the others the first
/// row counts whose words the command has.
const RULES: &[(&[&str], Rule)] = &[
    (&["reproduce"], Rule::Run("--dry-run --out dry-run")),
    (&["cargo", "xtask"], Rule::Usage),
    (&["cargo", "install"], Rule::Skip("it downloads")),
    (&["cargo"], Rule::Skip("CI builds and tests it all")),
    (&["tensorboard"], Rule::Skip("not a program of ours")),
    (
        &["memdil", "--hub"],
        Rule::Skip("only a program built with the feature hub knows it"),
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

/// Words end so where a command needs all of Fashion-MNIST.
const FULL: &[&str] = &[
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

/// Checks the commands of all pages, each page in a folder of its own.
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
                    // What follows in a block needs what it began with.
                    missing |= !scratch.has_full_data() && is_full(&command);
                    if missing {
                        rule = Rule::Skip("Fashion-MNIST is not at hand");
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

/// The command in a line of a block, without its comment.
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

/// `memdil` for `target/memdil`.
fn program(word: &str) -> &str {
    word.strip_prefix("target/").unwrap_or(word)
}

fn is_placeholder(word: &str) -> bool {
    word == "|" || word.starts_with('[') || word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

fn is_full(command: &str) -> bool {
    command
        .split_whitespace()
        .any(|word| FULL.iter().any(|end| word.ends_with(end)))
}

/// Compares a line with the program's help: the subcommand, or each of `a | b | c`, and the flags.
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
                task_help(task).ok_or_else(|| format!("there is no task {task}"))?
            }
            _ => scratch.run(&format!("{} --help", named.join(" ")))?,
        };
        let known: Vec<&str> = help
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .collect();
        if let Some(unknown) = flags.iter().find(|flag| !known.contains(flag)) {
            return Err(format!(
                "the help of {} does not know {unknown}",
                named.join(" ")
            ));
        }
    }
    Ok(())
}

/// What the help of these tasks says of one of them.
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
    fn rules_are_found() {
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
            is_full("memdil train --set data.source=fashion-mnist")
                && !is_full("memdil train --out fashion-mnist-a")
        );
    }

    #[test]
    fn tasks_have_their_own_flags() {
        assert!(
            task_help("reproduce").unwrap().contains("--dry-run")
                && !task_help("tidy").unwrap().contains("--dry-run")
        );
        assert_eq!(task_help("nothing"), None);
    }
}
