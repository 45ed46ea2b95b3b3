//! Verdicts in words.

use memdil_claims::stats::mean;
use memdil_claims::{Counted, LEVEL, SEEDS_NEEDED, Verdict};

use crate::block::{Block, Text, Tone};
use crate::cards::Judged;
use crate::experiment::Page;
use crate::runs::{Quantity, Run};
use crate::text::{count, percent};

const ORDER: [Verdict; 3] = [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive];

/// `Of 24 claims: 9 supported, 15 inconclusive.`
pub(crate) fn tally(judged: &[Judged<'_>]) -> String {
    let part = |verdict: Verdict| {
        let same = judged
            .iter()
            .filter(|judged| judged.lead().verdict == verdict);
        let n = same.count();
        (n > 0).then(|| format!("{n} {verdict}"))
    };
    let parts: Vec<String> = ORDER.into_iter().filter_map(part).collect();
    format!(
        "Of {}: {}.",
        count(judged.len(), "claim", "claims"),
        parts.join(", ")
    )
}

/// How verdicts come about.
pub(crate) fn rules(judged: &[Judged<'_>]) -> String {
    let exact = if judged
        .iter()
        .any(|judged| judged.lead().counted == Counted::Points)
    {
        " A claim about the solved models has no p: its rule holds at all points checked, or it is refuted."
    } else {
        ""
    };
    format!(
        "Supported: the 95% interval over seeds lies on the expected side of the bound, and p after Holm’s correction within \
         the experiment and data set is below {LEVEL}. Refuted: the interval of a condition lies wholly on the other side, without correction for the number of tests. Either needs \
         {SEEDS_NEEDED} seeds; everything else is inconclusive. Where a claim was tested on several panels (class selections, \
         networks) the row is the test of their mean, and the cards show each.{exact}"
    )
}

/// Which planned runs are not there.
pub(crate) fn missing(ids: &[String]) -> Option<Block> {
    const NAMED: usize = 10;
    let names: Vec<&str> = ids.iter().take(NAMED).map(String::as_str).collect();
    let more = match ids.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!ids.is_empty()).then(|| {
        Block::Text(Text {
            tone: Tone::Warning,
            ..Text::new(format!(
                "{} missing here, failed or not made yet: {}{more}.",
                count(ids.len(), "planned run is", "planned runs are"),
                names.join(", ")
            ))
        })
    })
}

/// The verdicts of an experiment in a sentence; mean values of its runs where it has none.
pub(crate) fn result(judged: &[&Judged<'_>], page: &Page, runs: &[Run]) -> String {
    if !judged.is_empty() {
        let parts = ORDER
            .into_iter()
            .filter_map(|verdict| named(judged, verdict));
        return parts.collect::<Vec<_>>().join(" ");
    }
    let mean_of = |quantity| {
        let values: Vec<f64> = runs.iter().filter_map(|run| run.value(quantity)).collect();
        mean(&values)
    };
    let mut parts = Vec::new();
    if let Some(accuracy) = mean_of(Quantity::Accuracy) {
        let runs = count(runs.len(), "run", "runs");
        let accuracy = percent(accuracy / 100.0, 1);
        parts.push(format!("Mean test accuracy over {runs} is {accuracy}."));
    }
    if let Some(share) = mean_of(Quantity::MemorizedAsGiven) {
        let share = percent(share, 0);
        parts.push(format!(
            "Of corrupted training samples {share} are predicted as their given label."
        ));
    }
    parts.extend((!page.shows.is_empty()).then(|| page.shows.clone()));
    parts.join(" ")
}

/// The claims with a verdict, with their effects; of inconclusive ones only the number.
fn named(judged: &[&Judged<'_>], verdict: Verdict) -> Option<String> {
    let same = judged
        .iter()
        .filter(|judged| judged.lead().verdict == verdict);
    let name = |judged: &&Judged<'_>| match judged.lead().effect {
        Some(effect) => format!("{} ({})", judged.name(), judged.lead().unit.format(effect)),
        None => judged.name().to_owned(),
    };
    let names: Vec<String> = same.map(name).collect();
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
