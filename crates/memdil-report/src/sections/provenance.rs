//! The section of deviations and provenance: machines, versions and dates of the runs.

use memdil_records::Provenance;

use crate::document::{Block, Row, Section, Table};
use crate::layer_peeled::Descent;
use crate::runs::{Run, distinct};
use crate::sources::provenance_of;
use crate::text::{count, date, seconds, when, without_only};

const DEVIATIONS: &str = "Metrics and label noise follow the definitions in docs/src/metrics.md, which differ from the \
     authors’ code in places; docs/src/deviations.md lists each deviation with its reason.";

/// The provenance of all runs and trainings, and the command that reproduces them.
pub(super) fn section(trainings: &[(&Provenance, f64)], command: Option<&str>) -> Section {
    let mut blocks = vec![Block::text(DEVIATIONS)];
    if !trainings.is_empty() {
        blocks.push(Block::Table(table(trainings)));
    }
    if let Some(command) = command {
        blocks.push(Block::Heading("To rerun everything".to_owned()));
        blocks.push(Block::Code(without_only(command)));
    }
    Section {
        id: "provenance".to_owned(),
        title: "Deviations and provenance".to_owned(),
        blocks,
    }
}

/// The distinct values of a field, sorted.
fn values<T: Ord>(trainings: &[(&Provenance, f64)], value: impl Fn(&Provenance) -> T) -> Vec<T> {
    distinct(trainings.iter().map(|(provenance, _)| value(provenance)))
}

/// The distinct values of each field, and the total time.
fn table(trainings: &[(&Provenance, f64)]) -> Table {
    let list = |value: fn(&Provenance) -> String| values(trainings, value).join("; ");
    let days = values(trainings, |p| date(p.started_unix));
    let started = match days.as_slice() {
        [first, .., last] => format!("{first} to {last}"),
        _ => days.concat(),
    };
    let runs = count(trainings.len(), "run", "runs");
    let total = seconds(trainings.iter().map(|(_, seconds)| seconds).sum());
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
        ("time", format!("{runs}, {total} s in total")),
    ];
    let rows = rows.map(|(name, value)| Row::of(vec![name.to_owned(), value]));
    Table {
        class: "facts",
        ..Table::new("property | value", rows)
    }
}

/// Number of runs, device, time, date and commit; `None` without runs and trainings.
pub(super) fn note(runs: &[&Run], descents: &[Descent]) -> Option<Block> {
    let trainings = provenance_of(runs.iter().copied(), descents);
    let newest = trainings.iter().map(|(p, _)| p.started_unix).max()?;
    let seeds = distinct(runs.iter().map(|run| run.seed())).len();
    let text = format!(
        "{} on {}{}, {} s in total, {}, commit {}.",
        count(trainings.len(), "run", "runs"),
        values(&trainings, |p| p.device.clone()).join(", "),
        when(seeds > 0, ", ".to_owned() + &count(seeds, "seed", "seeds")),
        seconds(trainings.iter().map(|(_, seconds)| seconds).sum()),
        date(newest),
        values(&trainings, short_commit).join(", "),
    );
    Some(Block::note("Provenance.", text))
}

/// The first twelve digits of a commit.
fn short_commit(provenance: &Provenance) -> String {
    let commit = &provenance.commit;
    commit.get(..12).unwrap_or(commit).to_owned()
}
