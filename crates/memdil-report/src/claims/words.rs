//! Describes verdicts in sentences.

use memdil_claims::{Counted, LEVEL, SEEDS_NEEDED, Verdict};

use super::judged::JudgedClaim;
use crate::runs::{Quantity, Run, mean_of};
use crate::text::{count, joined, percent, when};

const ORDER: [Verdict; 3] = [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive];

/// The claims with a given verdict.
fn with_verdict<'a>(judged: &[&'a JudgedClaim<'a>], verdict: Verdict) -> Vec<&'a JudgedClaim<'a>> {
    let all = judged.iter().copied();
    all.filter(|judged| judged.lead().verdict == verdict)
        .collect()
}

/// `Of 24 claims: 9 supported, 15 inconclusive.`
pub(crate) fn tally(judged: &[&JudgedClaim<'_>]) -> String {
    let counts = ORDER.map(|verdict| (with_verdict(judged, verdict).len(), verdict));
    let counts = counts.into_iter().filter(|(n, _)| *n > 0);
    let parts = joined(counts.map(|(n, verdict)| format!("{n} {verdict}")), ", ");
    format!("Of {}: {parts}.", count(judged.len(), "claim", "claims"))
}

/// The rules by which claims are supported or refuted.
pub(crate) fn verdict_rules(judged: &[&JudgedClaim<'_>]) -> String {
    let mut counted = judged.iter().map(|judged| judged.lead().counted);
    let exact = when(
        counted.any(|counted| counted == Counted::Points),
        " A claim about the solved models has no p: it is supported if its rule holds at every checked point, and refuted \
         otherwise.",
    );
    format!(
        "Supported: the 95% interval over seeds is on the expected side of the bound, and p with Holm’s correction within \
         the experiment and data set is below {LEVEL}. Refuted: the interval of a condition is entirely on the other side; \
         this is not corrected for the number of tests. Both verdicts need at least {SEEDS_NEEDED} seeds; all other results \
         are inconclusive. If a claim is tested on several panels (class selections, networks), its row is the test of their \
         mean, and its card shows each panel.{exact}"
    )
}

/// The verdicts of an experiment in sentences. Without verdicts, mean values of its runs and how to
/// read them.
pub(crate) fn result(judged: &[&JudgedClaim<'_>], runs: &[&Run], shows: &str) -> String {
    if !judged.is_empty() {
        let parts = ORDER.map(|verdict| verdict_sentence(&with_verdict(judged, verdict), verdict));
        return joined(parts.into_iter().flatten(), " ");
    }
    let mut parts = Vec::new();
    if let Some(accuracy) = mean_of(runs, Quantity::Accuracy) {
        let runs = count(runs.len(), "run", "runs");
        let accuracy = percent(accuracy / 100.0, 1);
        parts.push(format!("Mean test accuracy over {runs} is {accuracy}."));
    }
    if let Some(share) = mean_of(runs, Quantity::MemorizedAsGiven) {
        let share = percent(share, 0);
        parts.push(format!(
            "{share} of the corrupted training samples are predicted as their given label."
        ));
    }
    if !shows.is_empty() {
        parts.push(shows.to_owned());
    }
    parts.join(" ")
}

/// The claims with a verdict and their effects; for inconclusive claims only their number.
fn verdict_sentence(judged: &[&JudgedClaim<'_>], verdict: Verdict) -> Option<String> {
    let mut names = Vec::new();
    for claim in judged {
        names.push(match claim.lead().effect {
            Some(effect) => format!("{} ({})", claim.name(), claim.lead().unit.format(effect)),
            None => claim.name().to_owned(),
        });
    }
    match verdict {
        _ if names.is_empty() => None,
        Verdict::Supported => Some(format!("Supported: {}.", names.join("; "))),
        Verdict::Refuted => Some(format!("Refuted: {}.", names.join("; "))),
        Verdict::Inconclusive => {
            let n = count(names.len(), "claim is", "claims are");
            Some(format!("{n} not decided by these runs."))
        }
    }
}
