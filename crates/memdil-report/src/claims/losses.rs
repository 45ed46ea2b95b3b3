//! Claims that compare a loss with cross-entropy: label smoothing and label relaxation dilate less, and classify at least
//! as well after a search.

use std::collections::BTreeMap;

use super::{Cell, Claim, Counted, Evidence, Unit, Verdict};
use crate::runs::{Level, Panel, Quantity, Run};
use crate::stats::{mean, mean_interval, sign_test, wilcoxon_signed_rank};
use crate::text::count;

/// Values of one loss by cell and seed; several runs of a loss there (two values of alpha) are averaged.
type Values = BTreeMap<(Panel, Level), BTreeMap<u64, f64>>;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Log ratio of dilation.
    Dilation,
    /// Difference of test accuracy.
    Accuracy,
}

impl Effect {
    fn of(self, run: &Run) -> Option<f64> {
        match self {
            Self::Dilation => run.value(Quantity::Dilation).filter(|v| *v > 0.0).map(f64::ln),
            Self::Accuracy => run.value(Quantity::Accuracy),
        }
    }

    fn shown(self, difference: f64) -> f64 {
        match self {
            Self::Dilation => in_percent(difference),
            Self::Accuracy => difference,
        }
    }
}

pub(super) fn evidence(runs: &[&Run], loss: &'static str, effect: Effect, id: String) -> Evidence {
    let (ours, theirs) = (values(runs, loss, effect), values(runs, "CE", effect));
    let shown = |difference| effect.shown(difference);
    let mut ratios: BTreeMap<(&Panel, Level), BTreeMap<u64, f64>> = BTreeMap::new();
    let mut unpaired = 0;
    for ((panel, level), of_loss) in &ours {
        let empty = BTreeMap::new();
        let of_ce = theirs.get(&(panel.clone(), *level)).unwrap_or(&empty);
        for (seed, log) in of_loss {
            match of_ce.get(seed) {
                Some(base) => {
                    ratios.entry((panel, *level)).or_default().insert(*seed, log - base);
                }
                None => unpaired += 1,
            }
        }
        unpaired += of_ce.keys().filter(|seed| !of_loss.contains_key(seed)).count();
    }
    let mut by_seed: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (seed, ratio) in ratios.values().flatten() {
        by_seed.entry(*seed).or_default().push(*ratio);
    }
    let one_a_seed: Vec<f64> = by_seed.values().filter_map(|ratios| mean(ratios)).collect();
    let cells: Vec<Cell> = ratios
        .iter()
        .map(|((panel, level), by_seed)| {
            let values: Vec<f64> = by_seed.values().copied().collect();
            Cell {
                label: format!("{panel}, η = {}", level.0),
                n: values.len(),
                effect: mean(&values).map(shown),
                interval: mean_interval(&values).map(|bounds| bounds.map(shown)),
            }
        })
        .collect();
    let mut notes = Vec::new();
    if unpaired > 0 {
        let runs = count(unpaired, "run has", "runs have");
        notes.push(format!(
            "{runs} no partner at the same data, η, network and seed (not run, or diverged) and is left out."
        ));
    }
    let missing = one_a_seed.is_empty().then(|| format!("no completed {loss} run beside a CE run with η > 0"));
    let (name, statement, test) = match effect {
        Effect::Dilation => (
            format!("dilation lower with {loss} than with CE"),
            format!("{loss} has a lower dilation than CE under label noise."),
            "Log ratio of dilation to CE's at equal data, η > 0, network and seed, averaged over cells: one value a seed; \
             interval: Student's t; p: Wilcoxon's signed-rank test, beside it the sign test",
        ),
        Effect::Accuracy => (
            format!("test accuracy with {loss} at least that with CE"),
            format!("{loss} classifies at least as well as CE under label noise, each with settings searched for it."),
            "Difference of test accuracy to CE's in percentage points, at equal data, η > 0, network and seed, averaged over \
             cells: one value a seed; interval: Student's t; p: Wilcoxon's signed-rank test, beside it the sign test",
        ),
    };
    let claim = Claim {
        id,
        name,
        statement,
        test: test.to_owned(),
        verdict: Verdict::Inconclusive,
        reason: None,
        n: one_a_seed.len(),
        counted: Counted::Seeds,
        measure: "against CE",
        unit: if effect == Effect::Dilation { Unit::Percent } else { Unit::PercentagePoints },
        effect: mean(&one_a_seed).map(shown),
        interval: mean_interval(&one_a_seed).map(|bounds| bounds.map(shown)),
        p: wilcoxon_signed_rank(&one_a_seed),
        p_holm: None,
        p_sign: sign_test(&one_a_seed),
        notes,
        cells,
    };
    Evidence { claim, expected_sign: if effect == Effect::Dilation { -1.0 } else { 1.0 }, missing }
}

fn values(runs: &[&Run], loss: &str, effect: Effect) -> Values {
    let mut values: BTreeMap<(Panel, Level), BTreeMap<u64, Vec<f64>>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.loss() == loss && run.eta() > 0.0) {
        if let Some(value) = effect.of(run) {
            let cell = values.entry((run.panel().clone(), Level::of(run))).or_default();
            cell.entry(run.seed()).or_default().push(value);
        }
    }
    let average = |by_seed: BTreeMap<u64, Vec<f64>>| {
        by_seed.into_iter().filter_map(|(seed, values)| Some((seed, mean(&values)?))).collect()
    };
    values.into_iter().map(|(cell, by_seed)| (cell, average(by_seed))).collect()
}

/// A mean log ratio as a difference in percent; capped where the number would say nothing and overflow.
pub(super) fn in_percent(log_ratio: f64) -> f64 {
    100.0 * log_ratio.min(100.0).exp_m1()
}
