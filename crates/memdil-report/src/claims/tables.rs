//! Formats claims as tables.

use memdil_claims::{Claim, Counted};

use super::cards::reason;
use super::judged::{JudgedClaim, effect, interval, panel, verdict};
use crate::document::{Block, Row, Table};
use crate::text::{count, or_dash, p_value, verdict_class, when};

/// One row per claim.
pub(crate) fn verdicts(all: &[JudgedClaim<'_>]) -> Table {
    let mut rows = Vec::new();
    for same in all.chunk_by(|a, b| a.group() == b.group()) {
        rows.push(Row::group(same[0].group().to_owned()));
        rows.extend(same.iter().map(row));
    }
    let headings = "claim | verdict | #n | #effect | #95% interval | #p | #p (Holm) | \
                    #same verdict in | reason";
    Table {
        class: "verdicts",
        ..Table::new(headings, rows)
    }
}

fn row(judged: &JudgedClaim<'_>) -> Row {
    let claim = judged.lead();
    Row {
        cells: vec![
            judged.name().to_owned(),
            verdict(claim),
            claim.counted.count(claim.n),
            effect(claim.unit, claim.effect),
            interval(claim.unit, claim.interval),
            or_dash(largest_p(claim), p_value),
            or_dash(claim.p_holm, p_value),
            same_verdict(judged),
            when(claim.reason.is_some(), reason(claim)),
        ],
        class: verdict_class(claim.verdict),
        remark: None,
    }
}

/// `2 of 3 panels`: the panels with the same verdict as the claim as a whole.
fn same_verdict(judged: &JudgedClaim<'_>) -> String {
    let panels = &judged.verdicts[..judged.verdicts.len() - 1];
    if panels.is_empty() {
        return "–".to_owned();
    }
    let verdict = judged.lead().verdict;
    let same = panels.iter().filter(|claim| claim.verdict == verdict);
    format!("{} of {} panels", same.count(), panels.len())
}

/// The p that enters Holm's correction: the largest, because every condition must hold.
fn largest_p(claim: &Claim) -> Option<f64> {
    let conditions = claim.conditions.iter().map(|condition| condition.p);
    let all: Option<Vec<f64>> = conditions.chain([claim.p]).collect();
    all?.into_iter().reduce(f64::max)
}

/// The test of a claim, with the details of each panel.
pub(crate) fn details(judged: &JudgedClaim<'_>) -> Vec<Block> {
    let lead = judged.lead();
    let mut blocks = vec![
        Block::Heading(lead.statement.clone()),
        Block::note("", format!("{}: {}.", judged.id, lead.test)),
    ];
    for claim in &judged.verdicts {
        let panel = when(judged.has_panels(), panel(claim).to_owned() + ":");
        let text = format!("{}. {}", verdict(claim), notes(claim).join(" "));
        blocks.push(Block::note(&panel, text));
        if !claim.cells.is_empty() {
            blocks.push(Block::Table(cells(claim)));
        }
    }
    blocks
}

/// Details of a verdict: further conditions, other tests, notes.
fn notes(claim: &Claim) -> Vec<String> {
    let mut notes = vec![claim.refuted_if.clone()];
    for condition in &claim.conditions {
        notes.push(format!(
            "Condition: {}: {}, 95% interval {}, p {}.",
            condition.measure,
            effect(condition.unit, condition.effect),
            interval(condition.unit, condition.interval),
            or_dash(condition.p, p_value)
        ));
    }
    if let Some(family) = claim.family {
        notes.push(format!(
            "p {}; corrected for {}: {}; signed-rank test: {}; sign test: {}.",
            or_dash(claim.p, p_value),
            count(family, "test", "tests"),
            or_dash(claim.p_holm, p_value),
            or_dash(claim.p_signed_rank, p_value),
            or_dash(claim.p_sign, p_value)
        ));
    }
    notes.extend(claim.reason.iter().map(|reason| format!("{reason}.")));
    notes.extend(claim.notes.iter().cloned());
    notes
}

/// The effect of a claim in each cell.
fn cells(claim: &Claim) -> Table {
    let random = claim.counted == Counted::Seeds;
    let mut headings = vec!["cell", claim.counted.label()];
    headings.extend(if random {
        vec!["effect", "95% interval"]
    } else {
        vec![claim.measure.as_str()]
    });
    let mut rows = Vec::new();
    for cell in &claim.cells {
        let effect = effect(claim.unit, cell.effect);
        let mut cells = vec![cell.label.clone(), cell.n.to_string(), effect];
        if random {
            cells.push(interval(claim.unit, cell.interval));
        }
        rows.push(Row::of(cells));
    }
    Table::new(&headings.join(" | #"), rows)
}
