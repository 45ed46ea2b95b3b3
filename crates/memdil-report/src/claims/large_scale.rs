//! Claims of large-scale: training features collapse, and label noise dilates those of unseen samples.

use std::collections::BTreeMap;

use super::losses::in_percent;
use super::{Cell, Claim, Counted, Evidence, Unit, Verdict};
use crate::ReportError;
use crate::runs::{Panel, Quantity, Run};
use crate::stats::{mean, mean_interval, sign_test, wilcoxon_signed_rank};

/// Log ratios by panel and loss, then by seed.
type Ratios<'a> = BTreeMap<(&'a Panel, String), BTreeMap<u64, Vec<f64>>>;

/// NC1 of the training features falls from the first measured epoch to the last.
pub(super) fn collapse(runs: &[&Run], id: String) -> Result<Evidence, ReportError> {
    let mut ratios = Ratios::new();
    for run in runs.iter().filter(|run| run.eta() <= 0.0) {
        let epochs = run.epochs()?;
        let measured = |nc1: Option<f64>| nc1.filter(|v| *v > 0.0 && v.is_finite());
        let first = epochs.iter().find_map(|epoch| measured(epoch.nc1));
        if let (Some(first), Some(last), true) =
            (first, run.value(Quantity::Nc1).filter(|v| *v > 0.0), epochs.len() > 1)
        {
            let by_seed = ratios.entry((run.panel(), run.loss_label())).or_default();
            by_seed.entry(run.seed()).or_default().push((last / first).ln());
        }
    }
    Ok(Evidence {
        missing: ratios.is_empty().then(|| "no completed run without noise that was measured in two epochs".to_owned()),
        expected_sign: -1.0,
        claim: claim(
            id,
            &ratios,
            "training features collapse",
            "Without noise the features of the training set collapse: NC1 falls from the first epoch to the last.",
            "Log ratio of the last epoch's training NC1 to the first measured one's, η = 0, averaged over data, networks and \
             losses: one value a seed",
            "last over first",
        ),
    })
}

/// Dilation is higher with noise than without.
pub(super) fn dilation(runs: &[&Run], id: String) -> Evidence {
    let mut ratios = Ratios::new();
    let log = |run: &Run| run.value(Quantity::Dilation).filter(|v| *v > 0.0).map(f64::ln);
    for noisy in runs.iter().filter(|run| run.eta() > 0.0) {
        let partner = |run: &&&Run| {
            run.eta() <= 0.0
                && run.panel() == noisy.panel()
                && run.loss_label() == noisy.loss_label()
                && run.seed() == noisy.seed()
        };
        let clean = runs.iter().find(partner).and_then(|run| log(run));
        if let (Some(noisy_log), Some(clean_log)) = (log(noisy), clean) {
            let by_seed = ratios.entry((noisy.panel(), noisy.loss_label())).or_default();
            by_seed.entry(noisy.seed()).or_default().push(noisy_log - clean_log);
        }
    }
    Evidence {
        missing: ratios.is_empty().then(|| "no completed run with noise beside one without".to_owned()),
        expected_sign: 1.0,
        claim: claim(
            id,
            &ratios,
            "noise dilates unseen features",
            "Label noise dilates the features of unseen samples.",
            "Log ratio of dilation with noise to that without, at equal data, network, loss and seed, averaged: one value a \
             seed",
            "noisy over clean",
        ),
    }
}

fn claim(id: String, ratios: &Ratios<'_>, name: &str, statement: &str, test: &str, measure: &'static str) -> Claim {
    let mut by_seed: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (seed, values) in ratios.values().flatten() {
        by_seed.entry(*seed).or_default().extend(values);
    }
    let one_a_seed: Vec<f64> = by_seed.values().filter_map(|values| mean(values)).collect();
    let cells = ratios.iter().map(|((panel, loss), by_seed)| {
        let values: Vec<f64> = by_seed.values().filter_map(|values| mean(values)).collect();
        Cell {
            label: format!("{panel}, {loss}"),
            n: values.len(),
            effect: mean(&values).map(in_percent),
            interval: mean_interval(&values).map(|bounds| bounds.map(in_percent)),
        }
    });
    Claim {
        id,
        name: name.to_owned(),
        statement: statement.to_owned(),
        test: format!("{test}; interval: Student's t; p: Wilcoxon's signed-rank test, beside it the sign test"),
        verdict: Verdict::Inconclusive,
        reason: None,
        n: one_a_seed.len(),
        counted: Counted::Seeds,
        measure,
        unit: Unit::Percent,
        effect: mean(&one_a_seed).map(in_percent),
        interval: mean_interval(&one_a_seed).map(|bounds| bounds.map(in_percent)),
        p: wilcoxon_signed_rank(&one_a_seed),
        p_holm: None,
        p_sign: sign_test(&one_a_seed),
        notes: Vec::new(),
        cells: cells.collect(),
    }
}
