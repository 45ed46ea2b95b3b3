//! The tables of the report.

use std::collections::BTreeSet;

use memdil_claims::{Claim, Counted, Verdict};
use memdil_records::Provenance;

use crate::reference::Comparison;
use crate::runs::{Quantity, Run};
use crate::table::{Row, Table, heads};
use crate::text::{count, date, interval, number, or_dash, p_value, percent, seconds};

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
        Row {
            cells,
            ..Row::default()
        }
    };
    let mut rows = Vec::new();
    for same in runs.chunk_by(|a, b| a.panel() == b.panel()) {
        let panel = same[0].panel();
        let heading = format!("{}: {panel}", panel.experiment);
        rows.push(Row {
            cells: Vec::new(),
            remark: Some(heading),
            class: "group",
        });
        rows.extend(same.iter().map(row));
    }
    Table {
        columns: heads(&columns),
        rows,
    }
}

/// What stands in one table row a claim.
pub(crate) fn claims(claims: &[Claim]) -> Table {
    let mixed = claims.iter().any(|claim| claim.counted == Counted::Points);
    let columns = vec![
        ("experiment", false),
        ("claim", false),
        ("verdict", false),
        (if mixed { "n" } else { "seeds" }, true),
        ("effect", true),
        ("95% interval", true),
        ("p", true),
        ("p (Holm)", true),
        ("why", false),
    ];
    let rows = claims.iter().map(|claim| Row {
        cells: vec![
            group(claim),
            claim.name.clone(),
            format!("{} {}", claim.verdict.symbol(), claim.verdict),
            if mixed {
                claim.counted.count(claim.n)
            } else {
                claim.n.to_string()
            },
            or_dash(claim.effect, |e| claim.unit.format(e)),
            claim
                .interval
                .map_or_else(|| "–".to_owned(), |i| claim.unit.format_interval(i)),
            or_dash(claim.p, p_value),
            or_dash(claim.p_holm, p_value),
            claim.reason.clone().unwrap_or_default(),
        ],
        class: class(claim.verdict),
        remark: None,
    });
    Table {
        columns: heads(&columns),
        rows: rows.collect(),
    }
}

/// The CSS class of a verdict.
pub(crate) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Supported => "yes",
        Verdict::Refuted => "no",
        Verdict::Inconclusive => "open",
    }
}

/// Experiment and data set; the experiment alone of a rule about the solved models.
pub(crate) fn group(claim: &Claim) -> String {
    let parts: Vec<&str> = claim.id.split('/').collect();
    parts[..parts.len().clamp(2, 3) - 1].join("/")
}

/// What a reader has to know beside a verdict: further conditions, other tests, remarks.
pub(crate) fn notes(claim: &Claim) -> Vec<String> {
    let mut notes = vec![claim.refuted_if.clone()];
    for condition in &claim.conditions {
        notes.push(format!(
            "Condition: {}: {}, 95% interval {}, p {}.",
            condition.measure,
            or_dash(condition.effect, |effect| condition.unit.format(effect)),
            condition.interval.map_or_else(
                || "–".to_owned(),
                |ends| condition.unit.format_interval(ends)
            ),
            or_dash(condition.p, p_value)
        ));
    }
    if let Some(family) = claim.family {
        notes.push(format!(
            "Corrected for {}; p of the signed-rank test {}, of the sign test {}.",
            count(family, "test", "tests"),
            or_dash(claim.p_signed_rank, p_value),
            or_dash(claim.p_sign, p_value)
        ));
    }
    notes.extend(claim.notes.iter().cloned());
    notes
}

/// The effect of a claim in each cell.
pub(crate) fn cells(claim: &Claim) -> Table {
    let mut columns = vec![("cell", false), (claim.counted.label(), true)];
    let random = claim.counted == Counted::Seeds;
    columns.extend(if random {
        vec![("effect", true), ("95% interval", true)]
    } else {
        vec![(claim.measure.as_str(), true)]
    });
    let rows = claim.cells.iter().map(|cell| {
        let mut cells = vec![
            cell.label.clone(),
            cell.n.to_string(),
            or_dash(cell.effect, |e| claim.unit.format(e)),
        ];
        if random {
            cells.push(
                cell.interval
                    .map_or_else(|| "–".to_owned(), |i| claim.unit.format_interval(i)),
            );
        }
        Row {
            cells,
            ..Row::default()
        }
    });
    Table {
        columns: heads(&columns),
        rows: rows.collect(),
    }
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
            cell.interval.map_or_else(|| "–".to_owned(), interval),
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
    Table {
        columns: heads(&columns),
        rows: rows.collect(),
    }
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
        return Table {
            columns: Vec::new(),
            rows: Vec::new(),
        };
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
    let rows = rows.map(|(name, value)| Row {
        cells: vec![name.to_owned(), value],
        ..Row::default()
    });
    Table {
        columns: heads(&[("what", false), ("value", false)]),
        rows: rows.to_vec(),
    }
}
