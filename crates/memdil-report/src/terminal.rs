//! The claims as a table for the terminal.

use std::collections::BTreeMap;

use crate::cards::judged;
use crate::text::{count, or_dash, p_value};
use memdil_claims::{Claim, Verdict};

/// Columns padded with blanks; below, why claims are inconclusive, each reason once.
pub(crate) fn table(claims: &[Claim]) -> String {
    if claims.is_empty() {
        return "No claim is tested on these runs.\n".to_owned();
    }
    let head = [
        "claim",
        "verdict",
        "n",
        "effect",
        "95% interval",
        "p",
        "p (Holm)",
    ]
    .map(str::to_owned);
    let mut rows: Vec<[String; 7]> = vec![head];
    for same in judged(claims).chunk_by(|a, b| a.group() == b.group()) {
        let mut heading: [String; 7] = Default::default();
        heading[0] = same[0].group().to_owned();
        rows.push(heading);
        for claim in same.iter().flat_map(|judged| &judged.claims) {
            rows.push([
                format!("  {}", claim.name),
                format!("{} {}", claim.verdict.symbol(), claim.verdict),
                claim.n.to_string(),
                or_dash(claim.effect, |e| claim.unit.format(e)),
                claim
                    .interval
                    .map_or_else(|| "–".to_owned(), |i| claim.unit.format_interval(i)),
                or_dash(claim.p, p_value),
                or_dash(claim.p_holm, p_value),
            ]);
        }
    }
    let width = |column: usize| {
        // A group's name may be longer than its column: its row has no other cell.
        let cells = rows.iter().filter(|row| column > 0 || !row[1].is_empty());
        cells
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells = row
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if column < 2 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let open = claims
        .iter()
        .filter(|claim| claim.verdict == Verdict::Inconclusive);
    for reason in open.filter_map(|claim| claim.reason.as_deref()) {
        *reasons.entry(reason).or_default() += 1;
    }
    for (reason, n) in reasons {
        text += &format!("inconclusive ({}): {reason}\n", count(n, "claim", "claims"));
    }
    text
}
