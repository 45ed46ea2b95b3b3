//! Claims that compare a loss with cross-entropy: label smoothing and label relaxation dilate less,
//! and classify at least as well after a search.

use std::collections::BTreeMap;

use super::seeds::{BySeed, Words, claim, in_percent};
use super::{Evidence, Unit};
use crate::runs::{Level, Panel, Quantity, Run};
use crate::stats::mean;
use crate::text::count;

/// Values of one loss by cell and seed.
type Values<'a> = BTreeMap<(&'a Panel, Level), BySeed>;

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
            Self::Dilation => run
                .value(Quantity::Dilation)
                .filter(|v| *v > 0.0)
                .map(f64::ln),
            Self::Accuracy => run.value(Quantity::Accuracy),
        }
    }

    fn shown(self, difference: f64) -> f64 {
        match self {
            Self::Dilation => in_percent(difference),
            Self::Accuracy => difference,
        }
    }

    fn words(self, loss: &str, id: String) -> Words {
        let equal = "at equal data, η > 0, network and seed";
        let measure = "against CE";
        match self {
            Self::Dilation => Words {
                id,
                name: format!("dilation lower with {loss} than with CE"),
                statement: format!("{loss} has a lower dilation than CE under label noise."),
                value: format!("Log ratio of dilation to CE's {equal}"),
                measure,
                unit: Unit::Percent,
            },
            Self::Accuracy => Words {
                id,
                name: format!("test accuracy with {loss} at least that with CE"),
                statement: format!(
                    "{loss} classifies at least as well as CE under label noise, each with settings searched for it."
                ),
                value: format!("Difference of test accuracy to CE's in percentage points, {equal}"),
                measure,
                unit: Unit::PercentagePoints,
            },
        }
    }
}

pub(super) fn evidence(runs: &[&Run], loss: &'static str, effect: Effect, id: String) -> Evidence {
    let (ours, theirs) = (values(runs, loss, effect), values(runs, "CE", effect));
    let mut differences = Values::new();
    let (empty, mut unpaired) = (BySeed::new(), 0);
    for (cell, of_loss) in &ours {
        let of_ce = theirs.get(cell).unwrap_or(&empty);
        for (seed, values) in of_loss {
            // Several runs of a loss in a cell (two values of alpha) are averaged.
            match (
                mean(values),
                of_ce.get(seed).and_then(|values| mean(values)),
            ) {
                (Some(value), Some(base)) => {
                    differences
                        .entry(*cell)
                        .or_default()
                        .insert(*seed, vec![value - base]);
                }
                _ => unpaired += 1,
            }
        }
        unpaired += of_ce
            .keys()
            .filter(|seed| !of_loss.contains_key(seed))
            .count();
    }
    let missing = differences
        .is_empty()
        .then(|| format!("no completed {loss} run beside a CE run with η > 0"));
    let label = |(panel, level): (&Panel, Level)| format!("{panel}, η = {}", level.0);
    let cells: Vec<(String, BySeed)> = differences
        .into_iter()
        .map(|(cell, by_seed)| (label(cell), by_seed))
        .collect();
    let mut claim = claim(effect.words(loss, id), &cells, |difference| {
        effect.shown(difference)
    });
    if unpaired > 0 {
        let runs = count(unpaired, "run has", "runs have");
        claim.notes.push(format!(
            "{runs} no partner at the same data, η, network and seed (not run, or diverged), and no part in this."
        ));
    }
    Evidence {
        claim,
        expected_sign: if effect == Effect::Dilation {
            -1.0
        } else {
            1.0
        },
        missing,
    }
}

fn values<'a>(runs: &[&'a Run], loss: &str, effect: Effect) -> Values<'a> {
    let mut values = Values::new();
    for run in runs
        .iter()
        .filter(|run| run.loss() == loss && run.eta() > 0.0)
    {
        if let Some(value) = effect.of(run) {
            let cell = values.entry((run.panel(), Level::of(run))).or_default();
            cell.entry(run.seed()).or_default().push(value);
        }
    }
    values
}
