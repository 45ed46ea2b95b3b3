//! Formats claims as a table for the terminal.

use std::collections::BTreeMap;

use memdil_claims::{Claim, Verdict};

use super::judged::{effect, interval, judged, verdict};
use crate::text::{count, joined, or_dash, p_value};

const HEADINGS: &str = "claim | verdict | n | effect | 95% interval | p | p (Holm)";

/// A table with aligned columns, followed by the distinct reasons of inconclusive claims.
pub(crate) fn terminal_table(claims: &[Claim]) -> String {
    if claims.is_empty() {
        return "No claim is tested on these runs.\n".to_owned();
    }
    let headings = HEADINGS.split(" | ").map(str::to_owned);
    let mut rows: Vec<Vec<String>> = vec![headings.collect()];
    for same in judged(claims).chunk_by(|a, b| a.group() == b.group()) {
        rows.push(vec![same[0].group().to_owned()]);
        for claim in same.iter().flat_map(|judged| &judged.verdicts) {
            rows.push(vec![
                format!("  {}", claim.name),
                verdict(claim),
                claim.n.to_string(),
                effect(claim.unit, claim.effect),
                interval(claim.unit, claim.interval),
                or_dash(claim.p, p_value),
                or_dash(claim.p_holm, p_value),
            ]);
        }
    }
    let mut widths = [0; 7];
    // The name of a group may overflow its column because its row has no other cell.
    for row in rows.iter().filter(|row| row.len() > 1) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells = (0..).zip(row.iter().zip(widths));
        let padded = cells.map(|(column, (cell, width))| match column {
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        text += joined(padded, "  ").trim_end();
        text.push('\n');
    }
    text + &reasons(claims)
}

/// The distinct reasons of inconclusive claims, with the number of claims.
fn reasons(claims: &[Claim]) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for claim in claims {
        if let (Verdict::Inconclusive, Some(reason)) = (claim.verdict, &claim.reason) {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    let mut text = String::new();
    for (reason, n) in reasons {
        text += &format!("inconclusive ({}): {reason}\n", count(n, "claim", "claims"));
    }
    text
}
