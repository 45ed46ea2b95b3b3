//! The tables of the report.

use std::collections::BTreeSet;

use memdil_records::Provenance;

use crate::block::{Row, Table};
use crate::reference::Comparison;
use crate::runs::{Quantity, Run};
use crate::text::{count, date, interval, number, or_dash, percent, seconds};

/// Every run, the diverged ones with their reason.
pub(crate) fn runs(runs: &[Run]) -> Table {
    let mut columns: Vec<(&str, bool)> = vec![
        ("loss", false),
        ("η", true),
        ("realised", true),
        ("seed", true),
        ("epochs", true),
        ("test %", true),
        ("dilation", true),
        ("of correct", true),
        ("rho", true),
        ("train NC1", true),
        ("NC2", true),
        ("NC3", true),
        ("mem. mean", true),
    ];
    let held_out = runs
        .iter()
        .any(|run| run.value(Quantity::MemorizationAll).is_some());
    if held_out {
        columns.push(("mem. all samples", true));
    }
    columns.extend([
        ("separation", true),
        ("as given", true),
        ("test ECE", true),
        ("s", true),
        ("run", false),
    ]);
    let row = |run: &Run| {
        let record = &run.record;
        let mut cells = vec![
            run.loss_label(),
            run.eta().to_string(),
            percent(record.realised_noise, 1),
            run.seed().to_string(),
            record
                .last
                .as_ref()
                .map_or_else(|| "0".to_owned(), |last| last.epoch.to_string()),
        ];
        if run.diverged() {
            let reason = record.reason.as_deref().unwrap_or("no reason recorded");
            let remark = Some(format!("✗ diverged: {reason} ({})", record.id));
            return Row {
                cells,
                remark,
                class: "diverged",
            };
        }
        let value = |quantity| or_dash(run.value(quantity), number);
        cells.extend([
            or_dash(run.value(Quantity::Accuracy), |v| format!("{v:.2}")),
            value(Quantity::Dilation),
            value(Quantity::DilationCorrect),
            value(Quantity::Rho),
            value(Quantity::Nc1),
            value(Quantity::Nc2Etf),
            value(Quantity::Nc3),
            value(Quantity::Memorization),
        ]);
        if held_out {
            cells.push(value(Quantity::MemorizationAll));
        }
        cells.extend([
            value(Quantity::Separation),
            or_dash(run.value(Quantity::MemorizedAsGiven), |v| percent(v, 1)),
            value(Quantity::TestEce),
            seconds(record.seconds),
            record.id.clone(),
        ]);
        Row::of(cells)
    };
    let mut rows = Vec::new();
    for same in runs.chunk_by(|a, b| a.panel() == b.panel()) {
        let panel = same[0].panel();
        rows.push(Row::group(format!("{}: {panel}", panel.experiment)));
        rows.extend(same.iter().map(row));
    }
    Table::new(&columns, rows)
}

/// Reference values beside ours.
pub(crate) fn comparison(comparison: &Comparison) -> Table {
    let columns = vec![
        ("quantity", false),
        ("η", true),
        ("loss", false),
        ("our seeds", true),
        ("our mean", true),
        ("95% prediction interval", true),
        ("their mean", true),
        ("", false),
    ];
    let rows = comparison.cells.iter().map(|cell| Row {
        cells: vec![
            cell.quantity.label().to_owned(),
            cell.eta.to_string(),
            cell.loss.clone(),
            cell.n.to_string(),
            or_dash(cell.ours, number),
            or_dash(cell.interval, interval),
            number(cell.theirs),
            cell.verdict().to_owned(),
        ],
        class: if cell.inside == Some(false) {
            "outside"
        } else {
            ""
        },
        ..Row::default()
    });
    Table::new(&columns, rows)
}

/// Where and when runs were made, and their seconds: each distinct value once.
pub(crate) fn provenance(made: &[(&Provenance, f64)]) -> Table {
    let distinct = |value: fn(&Provenance) -> String| {
        let values: BTreeSet<String> = made
            .iter()
            .map(|(provenance, _)| value(provenance))
            .collect();
        values.into_iter().collect::<Vec<_>>().join("; ")
    };
    if made.is_empty() {
        return Table::default();
    }
    let started = made.iter().map(|(provenance, _)| provenance.started_unix);
    let (first, last) = (
        started.clone().min().unwrap_or(0),
        started.max().unwrap_or(0),
    );
    let total: f64 = made.iter().map(|(_, seconds)| seconds).sum();
    let rows = [
        ("memdil", distinct(|p| p.version.clone())),
        ("commit", distinct(|p| p.commit.clone())),
        (
            "Cargo.lock (SHA-256)",
            distinct(|p| p.lockfile_sha256.clone()),
        ),
        ("rustc", distinct(|p| p.rustc.clone())),
        ("platform", distinct(|p| p.platform.clone())),
        ("processor", distinct(|p| p.cpu.clone())),
        (
            "vector instructions",
            distinct(|p| p.cpu_features.join(" ")),
        ),
        ("threads", distinct(|p| p.threads.to_string())),
        ("device", distinct(|p| p.device.clone())),
        (
            "started",
            if date(first) == date(last) {
                date(last)
            } else {
                format!("{} to {}", date(first), date(last))
            },
        ),
        (
            "time",
            format!(
                "{} in {} s, one after the other",
                count(made.len(), "run", "runs"),
                seconds(total)
            ),
        ),
    ];
    let rows = rows.map(|(name, value)| Row::of(vec![name.to_owned(), value]));
    Table {
        class: "facts",
        ..Table::new(&[("what", false), ("value", false)], rows)
    }
}
