//! Notes on the verdict of a prediction test.

use std::collections::BTreeMap;

use memdil_theory::fit::{FitRow, fit_line};

use super::model::{Point, SquaredErrors, errors};
use super::predictor::Predictor;
use crate::SEEDS_NEEDED;
use crate::error::ClaimError;
use crate::runs::finished::Run;
use crate::runs::no_value::NoValue;
use crate::stats::{mean, mean_interval, t_test};
use crate::text::{count, number, p_value};

/// The runs that the constants are fitted to, and the runs that are predicted.
pub(crate) type FittedAndTested<'r, 'a> = (Vec<&'r Run<'a>>, Vec<&'r Run<'a>>);

/// $C_{MD}$ by seed; `None` if the fit has no positive slope.
type BySeed = BTreeMap<u64, Option<f64>>;

/// The out-of-sample R², and C_MD fitted to each loss separately, as sentences.
pub(crate) fn notes(
    model: Predictor,
    units: &[FittedAndTested<'_, '_>],
) -> Result<Vec<String>, ClaimError> {
    let mut all = Vec::new();
    for (fit, test) in units {
        all.extend(NoValue::or_undefined(errors(model, fit, test))?);
    }
    let mut notes = Vec::new();
    let total = |part: fn(&SquaredErrors) -> f64| mean(&all.iter().map(part).collect::<Vec<_>>());
    if let (Some(model), Some(line), Some(centre)) =
        (total(|e| e.model), total(|e| e.line), total(|e| e.mean))
    {
        notes.push(format!(
            "R² out of sample, with the mean of the fitted runs in the denominator: {} for the model, {} for a line in \
             the noise level.",
            number(1.0 - model / centre),
            number(1.0 - line / centre)
        ));
    }
    if model != Predictor::MemorizationDilation {
        return Ok(notes);
    }
    let constants = constants(units);
    for (loss, seeds) in &constants {
        let base = constants.get("CE").filter(|_| loss != "CE");
        notes.extend(note_of_loss(loss, seeds, base));
    }
    Ok(notes)
}

/// C_MD of a loss, and its ratio to that of cross-entropy.
fn note_of_loss(loss: &str, seeds: &BySeed, base: Option<&BySeed>) -> Option<String> {
    let fitted: Vec<f64> = seeds.values().flatten().copied().collect();
    let mut note = format!(
        "C_MD fitted to {loss} alone, mean over {}: {}",
        count(fitted.len(), "seed", "seeds"),
        number(mean(&fitted)?)
    );
    if fitted.len() < seeds.len() {
        note += &format!(" ({} have no positive slope)", seeds.len() - fitted.len());
    }
    if let Some(base) = base {
        note += &equality(seeds, base);
    }
    Some(note + ".")
}

/// C_MD by loss and seed.
fn constants(units: &[FittedAndTested<'_, '_>]) -> BTreeMap<String, BySeed> {
    let mut rows: BTreeMap<(String, u64), BTreeMap<u64, FitRow>> = BTreeMap::new();
    let runs = units.iter().flat_map(|(fit, test)| fit.iter().chain(test));
    for point in runs.filter_map(|run| Point::new(run).ok()) {
        // A run is fitted to for several seeds; the key by level keeps one row per run.
        let of_seed = rows.entry((point.specified.label(), point.seed));
        let levels = of_seed.or_default();
        levels.insert(point.level.to_bits(), point.row);
    }
    let mut constants: BTreeMap<String, BySeed> = BTreeMap::new();
    for ((loss, seed), rows) in rows {
        let rows: Vec<FitRow> = rows.into_values().collect();
        let c_md = fit_line(&rows).ok().map(|fitted| fitted.c_md);
        constants.entry(loss).or_default().insert(seed, c_md);
    }
    constants
}

/// The ratio of the constants of a loss to those of cross-entropy, paired over seeds.
fn equality(own: &BySeed, base: &BySeed) -> String {
    let ratio = |(seed, own): (&u64, &Option<f64>)| Some(((*own)? / (*base.get(seed)?)?).ln());
    let ratios: Vec<f64> = own.iter().filter_map(ratio).collect();
    match (mean(&ratios), mean_interval(&ratios), t_test(&ratios, 0.0)) {
        (Some(centre), Some([low, high]), Some(p)) if ratios.len() >= SEEDS_NEEDED => format!(
            "; over that of CE, {}: {} [{}, {}], p {} for equality",
            count(ratios.len(), "seed", "seeds"),
            number(centre.exp()),
            number(low.exp()),
            number(high.exp()),
            p_value(p)
        ),
        _ => String::new(),
    }
}
