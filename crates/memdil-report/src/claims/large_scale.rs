//! Claims of large-scale: training features collapse, and label noise dilates those of unseen
//! samples.

use std::collections::BTreeMap;

use super::seeds::{self, BySeed, Words, in_percent};
use super::{Claim, Evidence, Unit};
use crate::ReportError;
use crate::runs::{Panel, Quantity, Run};

/// Log ratios by panel and loss.
type Ratios<'a> = BTreeMap<(&'a Panel, String), BySeed>;

/// NC1 of the training features falls from the first measured epoch to the last.
pub(super) fn collapse(runs: &[&Run], id: String) -> Result<Evidence, ReportError> {
    let mut ratios = Ratios::new();
    for run in runs.iter().filter(|run| run.eta() <= 0.0) {
        let epochs = run.epochs()?;
        let measured = |nc1: Option<f64>| nc1.filter(|v| *v > 0.0 && v.is_finite());
        let first = epochs.iter().find_map(|epoch| measured(epoch.nc1));
        let last = measured(run.value(Quantity::Nc1));
        if let (Some(first), Some(last), true) = (first, last, epochs.len() > 1) {
            let by_seed = ratios.entry((run.panel(), run.loss_label())).or_default();
            by_seed
                .entry(run.seed())
                .or_default()
                .push((last / first).ln());
        }
    }
    let missing = ratios
        .is_empty()
        .then(|| "no completed run without noise that was measured in two epochs".to_owned());
    let words = Words {
        id,
        name: "training features collapse".to_owned(),
        statement:
            "Without noise the features of the training set collapse: NC1 falls from the first epoch to the last."
                .to_owned(),
        value: "Log ratio of the last epoch's training NC1 to the first measured one's, η = 0".to_owned(),
        measure: "last over first",
        unit: Unit::Percent,
    };
    Ok(Evidence {
        claim: claim(words, ratios),
        expected_sign: -1.0,
        missing,
    })
}

/// Dilation is higher with noise than without.
pub(super) fn dilation(runs: &[&Run], id: String) -> Evidence {
    let mut ratios = Ratios::new();
    let log = |run: &Run| {
        run.value(Quantity::Dilation)
            .filter(|v| *v > 0.0)
            .map(f64::ln)
    };
    for noisy in runs.iter().filter(|run| run.eta() > 0.0) {
        let partner = |run: &&&Run| {
            run.eta() <= 0.0
                && run.panel() == noisy.panel()
                && run.loss_label() == noisy.loss_label()
                && run.seed() == noisy.seed()
        };
        let clean = runs.iter().find(partner).and_then(|run| log(run));
        if let (Some(noisy_log), Some(clean_log)) = (log(noisy), clean) {
            let by_seed = ratios
                .entry((noisy.panel(), noisy.loss_label()))
                .or_default();
            by_seed
                .entry(noisy.seed())
                .or_default()
                .push(noisy_log - clean_log);
        }
    }
    let missing = ratios
        .is_empty()
        .then(|| "no completed run with noise beside one without".to_owned());
    let words = Words {
        id,
        name: "noise dilates unseen features".to_owned(),
        statement: "Label noise dilates the features of unseen samples.".to_owned(),
        value: "Log ratio of dilation with noise to that without, at equal data, network, loss and seed".to_owned(),
        measure: "noisy over clean",
        unit: Unit::Percent,
    };
    Evidence {
        claim: claim(words, ratios),
        expected_sign: 1.0,
        missing,
    }
}

fn claim(words: Words, ratios: Ratios<'_>) -> Claim {
    let cells: Vec<(String, BySeed)> = ratios
        .into_iter()
        .map(|((panel, loss), by_seed)| (format!("{panel}, {loss}"), by_seed))
        .collect();
    seeds::claim(words, &cells, in_percent)
}
