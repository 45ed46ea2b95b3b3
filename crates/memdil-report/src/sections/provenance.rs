//! The machines, versions and dates of runs.

use memdil_records::Provenance;

use crate::document::{Block, Row, Section, Table};
use crate::layer_peeled::Descent;
use crate::runs::{Run, distinct};
use crate::sources::made;
use crate::text::{count, date, seconds, when};

const DEVIATIONS: &str = "Metrics and label noise follow the definitions of the metrics chapter, not every line of the \
     authors’ code; docs/src/deviations.md lists each departure with its reason.";

/// The section of all runs and trainings, and the command that makes them again.
pub(super) fn section(made: &[(&Provenance, f64)], command: Option<&str>) -> Section {
    let mut blocks = vec![Block::text(DEVIATIONS)];
    if !made.is_empty() {
        blocks.push(Block::Table(table(made)));
    }
    if let Some(command) = command {
        blocks.push(Block::Heading("To run it again".to_owned()));
        blocks.push(Block::Code(command.to_owned()));
    }
    Section {
        id: "provenance".to_owned(),
        title: "Deviations and provenance".to_owned(),
        blocks,
    }
}

/// The distinct values of a field, sorted.
fn values<T: Ord>(made: &[(&Provenance, f64)], value: impl Fn(&Provenance) -> T) -> Vec<T> {
    distinct(made.iter().map(|(provenance, _)| value(provenance)))
}

/// Each distinct value once, and the seconds of all.
fn table(made: &[(&Provenance, f64)]) -> Table {
    let list = |value: fn(&Provenance) -> String| values(made, value).join("; ");
    let days = values(made, |p| date(p.started_unix));
    let started = match days.as_slice() {
        [first, .., last] => format!("{first} to {last}"),
        _ => days.concat(),
    };
    let runs = count(made.len(), "run", "runs");
    let total = seconds(made.iter().map(|(_, seconds)| seconds).sum());
    let rows = [
        ("memdil", list(|p| p.version.clone())),
        ("commit", list(|p| p.commit.clone())),
        ("Cargo.lock (SHA-256)", list(|p| p.lockfile_sha256.clone())),
        ("rustc", list(|p| p.rustc.clone())),
        ("platform", list(|p| p.platform.clone())),
        ("processor", list(|p| p.cpu.clone())),
        ("vector instructions", list(|p| p.cpu_features.join(" "))),
        ("threads", list(|p| p.threads.to_string())),
        ("device", list(|p| p.device.clone())),
        ("started", started),
        ("time", format!("{runs} in {total} s, one after the other")),
    ];
    let rows = rows.map(|(name, value)| Row::of(vec![name.to_owned(), value]));
    Table {
        class: "facts",
        ..Table::new("what | value", rows)
    }
}

/// Number of runs, their time, when and from which code; `None` where nothing was trained.
pub(super) fn made_from(runs: &[&Run], descents: &[Descent]) -> Option<Block> {
    let made = made(runs.iter().copied(), descents);
    let newest = made.iter().map(|(p, _)| p.started_unix).max()?;
    let seeds = distinct(runs.iter().map(|run| run.seed())).len();
    let text = format!(
        "{} on {}{}, {} s of one thread in all, {}, commit {}.",
        count(made.len(), "run", "runs"),
        values(&made, |p| p.device.clone()).join(", "),
        when(seeds > 0, ", ".to_owned() + &count(seeds, "seed", "seeds")),
        seconds(made.iter().map(|(_, seconds)| seconds).sum()),
        date(newest),
        values(&made, short_commit).join(", "),
    );
    Some(Block::note("Made from", text))
}

/// The first twelve digits of a commit.
fn short_commit(provenance: &Provenance) -> String {
    let commit = &provenance.commit;
    commit.get(..12).unwrap_or(commit).to_owned()
}
