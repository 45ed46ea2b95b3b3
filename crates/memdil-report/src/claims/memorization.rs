//! Claim (a): dilation grows with memorization.

use std::collections::{BTreeMap, BTreeSet};

use super::seeds::{needed, shown_only};
use super::{Cell, Claim, Counted, Evidence, SEEDS_NEEDED, Unit, Verdict};
use crate::runs::{Level, Panel, Quantity, Run, distinct, losses};
use crate::stats::{bootstrap_interval, mean, sign_test, spearman, wilcoxon_signed_rank};
use crate::text::number;

/// What the figure shows, so that the claim can be seen in it.
const X: Quantity = Quantity::RelativeMemorization;

/// (memorization, dilation) of runs, by panel and, in the order of the seeds, by seed.
type Points = BTreeMap<Panel, Vec<Vec<(f64, f64)>>>;

pub(super) fn evidence(runs: &[&Run], id: String) -> Evidence {
    // The claim is about noise levels: a panel with a single one says nothing about it.
    let shown = with_several_levels(runs);
    let runs = with_several_levels(&deciding(&shown));
    let seeds = distinct(
        runs.iter().copied().filter(|run| point(run, X).is_some()),
        Run::seed,
    );
    let all = points(&runs, &seeds, X, |_| true);
    let one_a_seed: Vec<f64> = (0..seeds.len())
        .filter_map(|seed| correlation(&all, &[seed]))
        .collect();
    let everyone: Vec<usize> = (0..seeds.len()).collect();
    let effect = correlation(&all, &everyone);
    let mut notes = Vec::new();
    let total = points(&runs, &seeds, Quantity::TotalMemorization, |_| true);
    if let Some(r) = correlation(&total, &everyone) {
        notes.push(format!(
            "With memorization summed over corrupted samples instead of averaged (per training sample, over the \
             separation), it is {}.",
            number(r)
        ));
    }
    if runs.len() < shown.len() {
        notes.push(shown_only());
    }
    let missing = effect.is_none().then(|| {
        if runs.is_empty() && !shown.is_empty() {
            return format!("no class selection and network has two noise levels with {SEEDS_NEEDED} seeds");
        }
        "no rank correlation: it needs three completed runs of one data set, class selection and network that differ \
         in memorization"
            .to_owned()
    });
    let claim = Claim {
        id,
        name: "dilation grows with memorization".to_owned(),
        statement: "Dilation grows with memorization, across noise levels.".to_owned(),
        test: "Spearman's rank correlation of dilation and memorization / separation over runs, within each data set, \
               class selection and network, then averaged; interval: bootstrap over seeds; p: signed-rank test on one \
               correlation a seed"
            .to_owned(),
        verdict: Verdict::Inconclusive,
        reason: None,
        caveat: effect.and_then(|_| caveat(&runs, &seeds)),
        n: one_a_seed.len(),
        counted: Counted::Seeds,
        measure: "rank correlation",
        unit: Unit::RankCorrelation,
        effect,
        interval: effect.and_then(|_| bootstrap_interval(seeds.len(), |drawn| correlation(&all, drawn))),
        p: wilcoxon_signed_rank(&one_a_seed),
        p_holm: None,
        p_sign: sign_test(&one_a_seed),
        notes,
        cells: cells(&shown),
    };
    Evidence {
        claim,
        expected_sign: 1.0,
        missing,
    }
}

/// What the correlation is where noise itself cannot be what makes both grow.
fn caveat(runs: &[&Run], seeds: &[u64]) -> Option<String> {
    let everyone: Vec<usize> = (0..seeds.len()).collect();
    let of = |keep: &dyn Fn(&Run) -> bool| {
        correlation(
            &points(runs, seeds, X, |run| run.eta() > 0.0 && keep(run)),
            &everyone,
        )
        .map(number)
    };
    let mut parts = Vec::new();
    if runs.iter().any(|run| run.eta() <= 0.0) {
        parts.extend(
            of(&|_| true).map(|r| format!("{r} without η = 0, where nothing is memorised")),
        );
    }
    let noisy = || runs.iter().copied().filter(|run| run.eta() > 0.0);
    let level = |level: Level| {
        Some(format!(
            "{} at η = {} alone",
            of(&|run| Level::of(run) == level)?,
            level.0
        ))
    };
    let levels: Vec<String> = distinct(noisy(), Level::of)
        .into_iter()
        .filter_map(level)
        .collect();
    if !levels.is_empty() {
        parts.push(levels.join(", "));
    }
    let loss = |loss: &'static str| Some(format!("{loss} {}", of(&|run| run.loss() == loss)?));
    let of_losses: Vec<String> = losses(noisy()).into_iter().filter_map(loss).collect();
    if of_losses.len() > 1 {
        parts.push(format!(
            "of a single loss under noise {}",
            of_losses.join(", ")
        ));
    }
    (!parts.is_empty()).then(|| format!("The correlation is {}.", parts.join("; ")))
}

fn with_several_levels<'a>(runs: &[&'a Run]) -> Vec<&'a Run> {
    let several = |run: &&&Run| {
        let same = runs
            .iter()
            .copied()
            .filter(|other| other.panel() == run.panel());
        distinct(same, Level::of).len() > 1
    };
    runs.iter().filter(several).copied().collect()
}

/// The runs of cells (a panel at a noise level) with enough seeds to take part in the verdict.
fn deciding<'a>(runs: &[&'a Run]) -> Vec<&'a Run> {
    let mut seeds: BTreeMap<(&Panel, Level), BTreeSet<u64>> = BTreeMap::new();
    for run in runs.iter().filter(|run| point(run, X).is_some()) {
        seeds
            .entry((run.panel(), Level::of(run)))
            .or_default()
            .insert(run.seed());
    }
    let needed = needed(seeds.values().map(BTreeSet::len));
    let enough = |run: &&&Run| {
        seeds
            .get(&(run.panel(), Level::of(run)))
            .map_or(0, BTreeSet::len)
            >= needed
    };
    runs.iter().filter(enough).copied().collect()
}

/// One cell a panel, one a noise level and one a loss in it.
fn cells(runs: &[&Run]) -> Vec<Cell> {
    let mut cells = Vec::new();
    let measured: Vec<&Run> = runs
        .iter()
        .copied()
        .filter(|run| point(run, X).is_some())
        .collect();
    for panel in distinct(measured.iter().copied(), Run::panel) {
        let here: Vec<&Run> = measured
            .iter()
            .copied()
            .filter(|run| run.panel() == panel)
            .collect();
        cells.push(cell(format!("{panel}, all losses"), &here));
        // Within one noise level the noise itself cannot be what makes both grow.
        for level in distinct(here.iter().copied(), Level::of)
            .into_iter()
            .filter(|level| level.0 > 0.0)
        {
            let of_level: Vec<&Run> = here
                .iter()
                .copied()
                .filter(|run| Level::of(run) == level)
                .collect();
            cells.push(cell(format!("{panel}, η = {} alone", level.0), &of_level));
        }
        let present = losses(here.iter().copied());
        for loss in present.iter().filter(|_| present.len() > 1) {
            let of_loss: Vec<&Run> = here
                .iter()
                .copied()
                .filter(|run| run.loss() == *loss)
                .collect();
            cells.push(cell(format!("{panel}, {loss}"), &of_loss));
        }
    }
    cells
}

fn cell(label: String, runs: &[&Run]) -> Cell {
    let seeds = distinct(runs.iter().copied(), Run::seed);
    let points = points(runs, &seeds, X, |_| true);
    let everyone: Vec<usize> = (0..seeds.len()).collect();
    let effect = correlation(&points, &everyone);
    let interval =
        effect.and_then(|_| bootstrap_interval(seeds.len(), |drawn| correlation(&points, drawn)));
    Cell {
        label,
        n: seeds.len(),
        effect,
        interval,
    }
}

fn points(runs: &[&Run], seeds: &[u64], x: Quantity, keep: impl Fn(&Run) -> bool) -> Points {
    let mut points = Points::new();
    for run in runs.iter().filter(|run| keep(run)) {
        let (Some(point), Ok(seed)) = (point(run, x), seeds.binary_search(&run.seed())) else {
            continue;
        };
        points
            .entry(run.panel().clone())
            .or_insert_with(|| vec![Vec::new(); seeds.len()])[seed]
            .push(point);
    }
    points
}

fn point(run: &Run, x: Quantity) -> Option<(f64, f64)> {
    Some((run.value(x)?, run.value(Quantity::Dilation)?))
}

/// The mean over panels of the rank correlation over the runs of the drawn seeds.
fn correlation(points: &Points, drawn: &[usize]) -> Option<f64> {
    let of_panel = |by_seed: &Vec<Vec<(f64, f64)>>| {
        let (x, y): (Vec<f64>, Vec<f64>) = drawn
            .iter()
            .flat_map(|&seed| by_seed[seed].iter().copied())
            .unzip();
        spearman(&x, &y)
    };
    mean(&points.values().filter_map(of_panel).collect::<Vec<_>>())
}
