//! Claim of theory-vs-practice: the model orders the losses as the networks do.

use std::collections::{BTreeMap, BTreeSet};

use super::seeds::{self, BySeed, in_percent, needed};
use super::{Cell, Claim, Counted, Evidence, SEEDS_NEEDED, Unit, Verdict, WITHOUT_CLAIM};
use crate::runs::{Level, Run, distinct};
use crate::stats::{mean, mean_interval, sign_test, wilcoxon_signed_rank};
use crate::text::number;
use crate::theory::Practice;

/// Two losses; the log ratios of the first's rho to the second's, by noise level and seed, where
/// the model predicts a lower rho of the first.
type Pairs = BTreeMap<(String, String), BTreeMap<Level, BTreeMap<u64, f64>>>;

/// One claim a panel of an experiment that makes any; where panels of a data set have six seeds,
/// one for each of those only.
pub(super) fn evidence(practice: &[Practice<'_>]) -> Vec<Evidence> {
    let mut known = BTreeSet::new();
    let mut evidence = Vec::with_capacity(practice.len());
    let seeds = |panel: &Practice<'_>| distinct(panel.runs.iter().copied(), Run::seed).len();
    for panel in practice
        .iter()
        .filter(|p| !WITHOUT_CLAIM.contains(&p.panel.experiment.as_str()))
    {
        let beside = |other: &&Practice<'_>| {
            (&other.panel.experiment, &other.panel.source)
                == (&panel.panel.experiment, &panel.panel.source)
        };
        if seeds(panel) < needed(practice.iter().filter(beside).map(seeds)) {
            continue;
        }
        // Panels may differ in what a short id leaves out.
        let id = format!("theory-vs-practice/{}", panel.id());
        let numbered = |n: usize| {
            if n == 1 {
                id.clone()
            } else {
                format!("{id}-{n}")
            }
        };
        let unique = (1..).map(numbered).find(|id| known.insert(id.clone()));
        evidence.extend(unique.map(|id| of_panel(panel, id)));
    }
    evidence
}

fn of_panel(practice: &Practice<'_>, id: String) -> Evidence {
    let pairs = pairs(practice);
    let one_a_seed: Vec<Vec<f64>> = pairs
        .values()
        .map(per_seed)
        .filter(|values| !values.is_empty())
        .collect();
    let missing = match (&practice.fit, practice.predicted.is_empty()) {
        (Err(reason), _) => Some(format!("no prediction: {reason}")),
        (Ok(_), true) => practice.unpredicted.clone(),
        (Ok(_), false) if one_a_seed.is_empty() => {
            Some("no two losses at the same η > 0 and seed".to_owned())
        }
        (Ok(_), false) => None,
    };
    let deciding = deciding(&one_a_seed);
    let values = deciding.map_or(&[][..], |index| &one_a_seed[index]);
    // All pairs have to agree, so the weakest counts; any pair may refute, so each is counted.
    let reversed = mean(values).is_some_and(|m| m > 0.0);
    let p = |test: fn(&[f64]) -> Option<f64>| {
        let of_pairs = one_a_seed.iter().map(|values| test(values));
        let p = if reversed {
            test(values).map(|p| (p * one_a_seed.len() as f64).min(1.0))
        } else {
            of_pairs
                .collect::<Option<Vec<f64>>>()?
                .into_iter()
                .max_by(f64::total_cmp)
        };
        // Too few seeds are not tested, and so weigh on no other claim.
        p.filter(|_| values.len() >= SEEDS_NEEDED)
    };
    let claim = Claim {
        name: format!("losses in the predicted order, {}", practice.short_label()),
        statement: format!("The model predicts in which order the losses dilate: {}.", practice.label()),
        test: "Log ratio of measured rho, the loss with the lower predicted rho over the other, at equal η > 0 and \
               seed, averaged over η: one value a seed for each pair of losses. Shown is the pair that agrees least; \
               interval: Student's t; p: Wilcoxon's signed-rank test, the largest of all pairs where all agree, else \
               times the number of pairs"
            .to_owned(),
        id,
        verdict: Verdict::Inconclusive,
        reason: None,
        caveat: None,
        n: values.len(),
        counted: Counted::Seeds,
        measure: "worst pair",
        unit: Unit::Percent,
        effect: mean(values).map(in_percent),
        interval: mean_interval(values).map(|bounds| bounds.map(in_percent)),
        p: p(wilcoxon_signed_rank),
        p_holm: None,
        p_sign: p(sign_test),
        notes: notes(practice),
        cells: cells(&pairs),
    };
    Evidence {
        claim,
        expected_sign: -1.0,
        missing,
    }
}

/// The measured log ratios of each pair, oriented as predicted.
fn pairs(practice: &Practice<'_>) -> Pairs {
    let mut pairs = Pairs::new();
    for level in practice.noisy_levels() {
        let here: Vec<&Run> = practice
            .runs
            .iter()
            .copied()
            .filter(|run| Level::of(run) == level)
            .collect();
        let predicted = practice.predicted_at(level);
        for (lower, low) in &predicted {
            for (higher, high) in &predicted {
                if low < high {
                    let (ours, theirs) = (logs(&here, lower), logs(&here, higher));
                    let both = ours
                        .iter()
                        .filter_map(|(seed, log)| Some((*seed, log - theirs.get(seed)?)));
                    let of_pair = pairs.entry((lower.clone(), higher.clone())).or_default();
                    of_pair.insert(level, both.collect());
                }
            }
        }
    }
    pairs
}

/// Mean log rho by seed.
fn logs(runs: &[&Run], loss: &str) -> BTreeMap<u64, f64> {
    let mut values: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.loss_label() == loss) {
        if let Some(row) = Practice::row(run).filter(|row| row.radius > 0.0) {
            values
                .entry(run.seed())
                .or_default()
                .push((row.radius / row.separation).ln());
        }
    }
    values
        .into_iter()
        .filter_map(|(seed, logs)| Some((seed, mean(&logs)?)))
        .collect()
}

fn per_seed(levels: &BTreeMap<Level, BTreeMap<u64, f64>>) -> Vec<f64> {
    let mut by_seed = BySeed::new();
    for (seed, ratio) in levels.values().flatten() {
        by_seed.entry(*seed).or_default().push(*ratio);
    }
    seeds::per_seed(&by_seed)
}

/// The pair that agrees least: the most surely reversed one, else the least surely confirmed one.
fn deciding(one_a_seed: &[Vec<f64>]) -> Option<usize> {
    let bounds: Vec<[f64; 2]> = one_a_seed
        .iter()
        .map(|v| mean_interval(v).unwrap_or([mean(v).unwrap_or(0.0); 2]))
        .collect();
    let most = |kept: &dyn Fn(usize) -> bool, end: usize| {
        (0..bounds.len())
            .filter(|&i| kept(i))
            .max_by(|&a, &b| bounds[a][end].total_cmp(&bounds[b][end]))
    };
    let reversed = |i: usize| mean(&one_a_seed[i]).is_some_and(|m| m > 0.0);
    most(&reversed, 0).or_else(|| most(&|_| true, 1))
}

fn cells(pairs: &Pairs) -> Vec<Cell> {
    let cell = |(lower, higher): &(String, String), level: &Level, by_seed: &BTreeMap<u64, f64>| {
        let values: Vec<f64> = by_seed.values().copied().collect();
        seeds::cell(
            format!("{lower} below {higher}, η = {}", level.0),
            &values,
            in_percent,
        )
    };
    pairs
        .iter()
        .flat_map(|(pair, levels)| {
            levels
                .iter()
                .map(move |(level, values)| cell(pair, level, values))
        })
        .collect()
}

fn notes(practice: &Practice<'_>) -> Vec<String> {
    let mut notes = vec![practice.fitted()];
    for level in practice.noisy_levels() {
        let (predicted, measured) = (practice.predicted_at(level), practice.measured_at(level));
        if !predicted.is_empty() {
            notes.push(format!(
                "η = {}: predicted {}; measured, mean over seeds: {}.",
                level.0,
                ascending(predicted),
                ascending(measured)
            ));
        }
    }
    notes
}

/// `LS 0.1 0.120 < CE 0.310`.
pub(crate) fn ascending(mut values: Vec<(String, f64)>) -> String {
    values.sort_by(|a, b| a.1.total_cmp(&b.1));
    let parts: Vec<String> = values
        .into_iter()
        .map(|(loss, rho)| format!("{loss} {}", number(rho)))
        .collect();
    parts.join(" < ")
}
