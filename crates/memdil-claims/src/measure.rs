//! The values of a unit: one for each condition of a claim.

use memdil_records::EpochRecord;

use crate::design::{Pair, Plan, Unit as Planned};
use crate::finished::{Run, Runs};
use crate::stats::{mean, spearman};
use crate::{ClaimError, Scale, Test, prediction, quantity};

/// One value for each condition, or why the unit has none.
pub(crate) type Values = Result<Vec<f64>, String>;

/// The values of a unit.
///
/// # Errors
///
/// When the epochs or features of a run cannot be read, or the model cannot be solved.
pub(crate) fn values(
    test: &Test,
    unit: &Planned,
    plan: &Plan<'_>,
    runs: &Runs<'_>,
) -> Result<Values, ClaimError> {
    match (test, unit) {
        (
            Test::Paired {
                quantity, scale, ..
            }
            | Test::NonInferior {
                quantity, scale, ..
            },
            Planned::Pair(pair),
        ) => Ok(difference(quantity, *scale, pair, plan, runs)?.map(|value| vec![value])),
        (
            Test::Interaction {
                quantity, scale, ..
            },
            Planned::Interaction { within, beyond },
        ) => {
            let within = difference(quantity, *scale, within, plan, runs)?;
            let beyond = difference(quantity, *scale, beyond, plan, runs)?;
            Ok(within.and_then(|within| Ok(vec![within - beyond?])))
        }
        (
            Test::WithinRun {
                dose,
                response,
                scale,
                ..
            },
            Planned::Course {
                run,
                reference,
                others,
            },
        ) => course(
            dose,
            (response, *scale),
            (*run, *reference, others),
            plan,
            runs,
        ),
        (
            Test::Dose {
                dose,
                response,
                scale,
                ..
            },
            Planned::Levels(levels),
        ) => Ok(correlation(dose, (response, *scale), levels, plan, runs).map(|value| vec![value])),
        (Test::Trend { .. }, Planned::Trend(run)) => match runs.get(plan.specs[*run]) {
            Ok(run) => Ok(trend(test, run.epochs()?)),
            Err(reason) => Ok(Err(reason)),
        },
        (Test::Prediction { .. }, Planned::Prediction { fit, test }) => {
            let found = |numbers: &[usize]| -> Result<Vec<&Run<'_>>, String> {
                numbers
                    .iter()
                    .map(|&run| runs.get(plan.specs[run]))
                    .collect()
            };
            // A seed has a value only if all runs behind it are there: errors over other runs are
            // other errors.
            match (found(fit), found(test)) {
                (Ok(fit), Ok(test)) => prediction::values(&fit, &test),
                (Err(reason), _) => Ok(Err(format!(
                    "a run that the constants are fitted to: {reason}"
                ))),
                (_, Err(reason)) => Ok(Err(reason)),
            }
        }
        _ => Ok(Err("there is nothing to measure".to_owned())),
    }
}

fn difference(
    quantity: &str,
    scale: Scale,
    pair: &Pair,
    plan: &Plan<'_>,
    runs: &Runs<'_>,
) -> Result<Result<f64, String>, ClaimError> {
    if quantity::is_of_pairs(quantity) {
        let (of, against) = (plan.specs[pair.of], plan.specs[pair.against[0]]);
        let found = runs.get(of).and_then(|of| Ok([of, runs.get(against)?]));
        let values = match found {
            Ok(both) => quantity::of_pair(quantity, both, of.data.classes.len())?,
            Err(reason) => Err(reason),
        };
        let compare = |[a, b]: [f64; 2]| Ok(scale.of(quantity, a)? - scale.of(quantity, b)?);
        return Ok(values.and_then(compare));
    }
    let value = |run: usize| scale.of(quantity, runs.get(plan.specs[run])?.last(quantity)?);
    let difference = || {
        let of = value(pair.of)?;
        let against = pair.against.iter().map(|&run| value(run));
        let against = against.collect::<Result<Vec<f64>, String>>()?;
        Ok(of - mean(&against).ok_or("not run")?)
    };
    Ok(difference())
}

/// Increments that a course needs: one less than the evaluations that are planned at least.
const INCREMENTS: usize = 12;
/// Other seeds that the control of a course needs.
const OTHERS: usize = 2;

fn course(
    dose: &str,
    response: (&str, Scale),
    (run, reference, others): (usize, usize, &[usize]),
    plan: &Plan<'_>,
    runs: &Runs<'_>,
) -> Result<Values, ClaimError> {
    let epochs = |number: usize| match runs.get(plan.specs[number]) {
        Ok(run) => run.epochs().map(Ok),
        Err(reason) => Ok(Err(reason)),
    };
    let (own, clean) = match (epochs(run)?, epochs(reference)?) {
        (Ok(own), Ok(clean)) => (own, clean),
        (Err(reason), _) => return Ok(Err(reason)),
        (_, Err(reason)) => return Ok(Err(format!("the reference run: {reason}"))),
    };
    let relative = relative_course(response, own, clean);
    let Some(with_own) = increments(dose, own, &relative) else {
        return Ok(Err(format!(
            "fewer than {INCREMENTS} increments of {dose} and {} are recorded, or one of them is constant",
            response.0
        )));
    };
    let mut with_others = Vec::new();
    for &other in others {
        if let Ok(other) = epochs(other)? {
            with_others.extend(increments(dose, other, &relative));
        }
    }
    if with_others.len() < OTHERS {
        return Ok(Err(format!(
            "fewer than {OTHERS} other seeds to compare with"
        )));
    }
    let (Some(control), Some(rise)) = (mean(&with_others), rise(dose, response, own)) else {
        return Ok(Err(format!("{dose} or {} is not defined", response.0)));
    };
    Ok(Ok(vec![with_own - control, rise]))
}

/// The response of a run against that of its reference by epoch, where both have one.
fn relative_course(
    response: (&str, Scale),
    own: &[EpochRecord],
    clean: &[EpochRecord],
) -> Vec<(usize, f64)> {
    let compared = |epoch: &EpochRecord| {
        let same = clean.iter().find(|other| other.epoch == epoch.epoch)?;
        Some((
            epoch.epoch,
            scaled(response, epoch)? - scaled(response, same)?,
        ))
    };
    own.iter().filter_map(compared).collect()
}

/// A quantity on its scale; `None` where it is not defined.
fn scaled((quantity, scale): (&str, Scale), epoch: &EpochRecord) -> Option<f64> {
    scale.of(quantity, epoch.quantity(quantity)?).ok()
}

/// Rank correlation of the increments of a dose with those of a course.
fn increments(dose: &str, epochs: &[EpochRecord], course: &[(usize, f64)]) -> Option<f64> {
    let points: Vec<(f64, f64)> = course
        .iter()
        .filter_map(|(number, response)| {
            let epoch = epochs.iter().find(|epoch| epoch.epoch == *number)?;
            Some((epoch.quantity(dose)?, *response))
        })
        .collect();
    let steps = points
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1));
    let (doses, responses): (Vec<f64>, Vec<f64>) = steps.unzip();
    (doses.len() >= INCREMENTS)
        .then(|| spearman(&doses, &responses))
        .flatten()
}

/// The last response against that at the least dose.
fn rise(dose: &str, response: (&str, Scale), epochs: &[EpochRecord]) -> Option<f64> {
    let points: Vec<(f64, f64)> = epochs
        .iter()
        .filter_map(|epoch| Some((epoch.quantity(dose)?, scaled(response, epoch)?)))
        .collect();
    let (_, last) = points.last()?;
    let (_, least) = points.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(last - least)
}

fn correlation(
    dose: &str,
    (response, scale): (&str, Scale),
    levels: &[(usize, Option<usize>)],
    plan: &Plan<'_>,
    runs: &Runs<'_>,
) -> Result<f64, String> {
    let (mut doses, mut responses) = (Vec::new(), Vec::new());
    let scaled = |run: usize| scale.of(response, runs.get(plan.specs[run])?.last(response)?);
    for &(run, reference) in levels {
        doses.push(runs.get(plan.specs[run])?.last(dose)?);
        responses.push(scaled(run)? - reference.map_or(Ok(0.0), scaled)?);
    }
    spearman(&doses, &responses)
        .ok_or_else(|| format!("{dose} or {response} is the same at all levels"))
}

fn trend(test: &Test, epochs: &[EpochRecord]) -> Values {
    let Test::Trend {
        quantity,
        scale,
        from,
        baseline,
        ..
    } = test
    else {
        return Err("there is nothing to measure".to_owned());
    };
    let reached = |epoch: &&EpochRecord| {
        epoch
            .quantity(&from.quantity)
            .is_some_and(|v| v >= from.at_least)
    };
    let value = |epoch: &EpochRecord, path: &str| {
        let value = epoch
            .quantity(path)
            .ok_or_else(|| format!("{path} is not recorded or not defined"))?;
        scale.of(path, value)
    };
    let never = || format!("{} never reached {}", from.quantity, from.at_least);
    let (Some(first), Some(last)) = (epochs.iter().find(reached), epochs.last()) else {
        return Err(if epochs.is_empty() {
            "the epochs were not kept".to_owned()
        } else {
            never()
        });
    };
    if first.epoch == last.epoch {
        return Err(format!(
            "{} reached {} in the last epoch only",
            from.quantity, from.at_least
        ));
    }
    let end = value(last, quantity)?;
    let mut values = vec![end - value(first, quantity)?];
    if let Some(baseline) = baseline {
        values.push(end - value(last, baseline)?);
    }
    Ok(values)
}
