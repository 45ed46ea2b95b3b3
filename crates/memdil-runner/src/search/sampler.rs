//! Samples the values of a trial. They are a function of the space, the seed, the number of the
//! trial and the results of earlier trials.

use std::collections::BTreeMap;

use memdil_data::random::{ChaCha8Rng, Stream, below, stream, unit_f64};
use memdil_records::{Sampler, SearchRange, SearchScale, SearchSpec, TrialRecord};
use serde_json::Value;

use crate::error::RunnerError;

/// The number of initial trials of a `tpe` search, which are drawn at random.
pub const STARTUP_TRIALS: usize = 5;

/// The values of trial `number`, counted from one, given the `earlier` trials.
///
/// Each trial and setting has its own section of the random stream of the seed. Interruptions
/// therefore do not change the values, and searches with the same seed draw the same random values,
/// so that losses are compared on equal terms.
pub(crate) fn values(
    spec: &SearchSpec,
    settings: &[String],
    seed: u64,
    number: usize,
    earlier: &[TrialRecord],
) -> Result<BTreeMap<String, Value>, RunnerError> {
    let mut values = BTreeMap::new();
    for (index, (name, range)) in spec.space.iter().enumerate() {
        if !settings.contains(name) {
            continue;
        }
        let mut rng = stream(seed, Stream::Search);
        rng.set_word_pos(((number - 1) * spec.space.len() + index) as u128 * (1 << 32));
        let value = if spec.sampler == Sampler::Tpe && number > STARTUP_TRIALS {
            parzen(name, range, earlier, &mut rng)?
        } else {
            random(range, &mut rng)
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// A value that is uniform in the interval, in its logarithm, or in the list.
fn random(range: &SearchRange, rng: &mut ChaCha8Rng) -> Value {
    match range {
        SearchRange::Interval { low, high, scale } => {
            let [start, end] = [*low, *high].map(|bound| to_uniform_scale(*scale, bound));
            round(range, start + unit_f64(rng) * (end - start))
        }
        SearchRange::Values { values } => values
            .get(below(rng, values.len()))
            .cloned()
            .unwrap_or_default(),
    }
}

/// A value drawn by the tree-structured Parzen estimator; a diverged trial has an infinite cost.
fn parzen(
    name: &str,
    range: &SearchRange,
    earlier: &[TrialRecord],
    rng: &mut ChaCha8Rng,
) -> Result<Value, RunnerError> {
    let refused = |reason: String| RunnerError::Sampler {
        setting: name.to_owned(),
        reason,
    };
    let (estimator, domain) = match range {
        SearchRange::Interval { low, high, scale } => (
            tpe::parzen_estimator(),
            tpe::range(
                to_uniform_scale(*scale, *low),
                to_uniform_scale(*scale, *high),
            ),
        ),
        SearchRange::Values { values } => (
            tpe::histogram_estimator(),
            tpe::categorical_range(values.len()),
        ),
    };
    let domain = domain.map_err(|e| refused(e.to_string()))?;
    let mut optimizer = tpe::TpeOptimizer::new(estimator, domain);
    for trial in earlier {
        let Some(value) = trial.values.get(name) else {
            continue;
        };
        let position = match range {
            SearchRange::Interval { scale, .. } => {
                let value = value
                    .as_f64()
                    .ok_or_else(|| refused(format!("{value} is not a number")))?;
                // Our intervals include the upper bound, those of the library do not.
                to_uniform_scale(*scale, value).clamp(domain.start(), domain.end().next_down())
            }
            SearchRange::Values { values } => {
                let index = values.iter().position(|known| known == value);
                index.ok_or_else(|| refused(format!("{value} is not one of its values")))? as f64
            }
        };
        // The library minimises.
        let cost = trial
            .validation_accuracy
            .map_or(f64::INFINITY, |accuracy| -accuracy);
        optimizer
            .tell(position, cost)
            .map_err(|e| refused(e.to_string()))?;
    }
    let Ok(position) = optimizer.ask(rng);
    Ok(match range {
        SearchRange::Interval { .. } => round(range, position),
        SearchRange::Values { values } => {
            values.get(position as usize).cloned().unwrap_or_default()
        }
    })
}

/// Converts a bound or value to the scale on which values are uniform.
fn to_uniform_scale(scale: SearchScale, value: f64) -> f64 {
    match scale {
        SearchScale::Linear => value,
        SearchScale::Log => value.ln(),
    }
}

/// Converts a value back from the uniform scale, and rounds it to four significant digits so that
/// it is easy to read and to copy.
fn round(range: &SearchRange, position: f64) -> Value {
    let SearchRange::Interval { low, high, scale } = range else {
        return Value::Null;
    };
    let value = if *scale == SearchScale::Log {
        position.exp()
    } else {
        position
    };
    let short: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    short.clamp(*low, *high).into()
}

#[cfg(test)]
mod tests {
    use memdil_records::Status;

    use super::*;

    fn spec(sampler: &str) -> SearchSpec {
        let space = serde_json::json!({
            "alpha": {"low": 0.01, "high": 0.25},
            "gamma": {"values": [0.01, 0.1, 0.5]},
            "rate": {"low": 1e-5, "high": 0.5, "scale": "log"},
        });
        let spec =
            serde_json::json!({"sampler": sampler, "trials": 20, "epochs": 0.8, "space": space});
        serde_json::from_value(spec).unwrap()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    const ALL: [&str; 3] = ["alpha", "gamma", "rate"];

    /// A search whose accuracy is highest for a rate of 0.01, gamma 0.1 and a small alpha; rates
    /// above 0.2 diverge.
    fn search(sampler: &str, seed: u64, trials: usize, history: &mut Vec<TrialRecord>) {
        let spec = spec(sampler);
        for trial in history.len() + 1..=trials {
            let values = values(&spec, &names(&ALL), seed, trial, history).unwrap();
            let value = |name: &str| values[name].as_f64().unwrap();
            let away = (value("rate") / 0.01).ln().abs() / 10.0
                + (value("gamma") - 0.1).abs()
                + value("alpha");
            let accuracy = (value("rate") < 0.2).then_some(1.0 - 0.3 * away);
            let status = if accuracy.is_some() {
                Status::Completed
            } else {
                Status::Diverged
            };
            let run = String::new();
            history.push(TrialRecord {
                trial,
                values,
                run,
                status,
                validation_accuracy: accuracy,
                best_so_far: None,
            });
        }
    }

    fn numbers(history: &[TrialRecord], name: &str) -> Vec<f64> {
        history
            .iter()
            .map(|trial| trial.values[name].as_f64().unwrap())
            .collect()
    }

    #[test]
    fn random_values_have_the_specified_distribution() {
        let mut history = Vec::new();
        search("random", 3, 3000, &mut history);
        let share = |values: &[f64], below: f64| {
            values.iter().filter(|v| **v < below).count() as f64 / 3000.0
        };
        let (rates, alphas, gammas) = (
            numbers(&history, "rate"),
            numbers(&history, "alpha"),
            numbers(&history, "gamma"),
        );
        assert!(
            rates.iter().all(|v| (1e-5..=0.5).contains(v))
                && alphas.iter().all(|v| (0.01..=0.25).contains(v))
        );
        // Quartiles; 0.04 is five standard deviations of a share of 3000.
        for quarter in [0.25, 0.5, 0.75] {
            assert!(
                (share(&rates, 1e-5 * 5e4_f64.powf(quarter)) - quarter).abs() < 0.04,
                "{quarter}"
            );
            assert!(
                (share(&alphas, 0.01 + 0.24 * quarter) - quarter).abs() < 0.04,
                "{quarter}"
            );
        }
        assert!(
            (share(&gammas, 0.05) - 1.0 / 3.0).abs() < 0.045
                && (share(&gammas, 0.3) - 2.0 / 3.0).abs() < 0.045
        );
        assert!(
            rates
                .iter()
                .all(|v| format!("{v:.3e}").parse::<f64>().unwrap().to_bits() == v.to_bits())
        );
    }

    #[test]
    fn values_depend_only_on_seed_number_and_results() {
        for sampler in ["random", "tpe"] {
            let (mut whole, mut stopped, mut other) = (Vec::new(), Vec::new(), Vec::new());
            search(sampler, 1, 30, &mut whole);
            for stop in 1..=30 {
                // Serialise the history as if a new process resumed the search.
                let text = serde_json::to_string(&stopped).unwrap();
                stopped = serde_json::from_str(&text).unwrap();
                search(sampler, 1, stop, &mut stopped);
            }
            assert_eq!(whole, stopped);
            search(sampler, 2, 30, &mut other);
            assert!(whole.iter().zip(&other).all(|(a, b)| a.values != b.values));
        }
        // Two searches with the same seed have equal values of common settings.
        let spec = spec("random");
        let values =
            |settings: &[&str], trial| values(&spec, &names(settings), 1, trial, &[]).unwrap();
        for trial in 1..10 {
            assert_eq!(
                values(&ALL, trial)["rate"],
                values(&["rate"], trial)["rate"]
            );
        }
        assert_eq!(values(&["rate"], 1).len(), 1);
    }

    #[test]
    fn tpe_starts_at_random_and_beats_random_search() {
        let best = |history: &[TrialRecord]| {
            history
                .iter()
                .filter_map(|t| t.validation_accuracy)
                .fold(0.0, f64::max)
        };
        let mut ahead = 0;
        for seed in 0..20 {
            let (mut random, mut tpe) = (Vec::new(), Vec::new());
            search("random", seed, 40, &mut random);
            search("tpe", seed, 40, &mut tpe);
            assert_eq!(random[..STARTUP_TRIALS], tpe[..STARTUP_TRIALS]);
            assert!(
                numbers(&tpe, "rate")
                    .iter()
                    .all(|v| (1e-5..=0.5).contains(v))
            );
            assert!(
                numbers(&tpe, "gamma")
                    .iter()
                    .all(|v| [0.01, 0.1, 0.5].contains(v))
            );
            ahead += usize::from(best(&tpe) > best(&random));
        }
        // The probability of at least 14 of 20 by chance is 6%.
        assert!(ahead >= 14, "{ahead} of 20");
    }

    #[test]
    fn tpe_accepts_bounds_and_single_values() {
        let range = SearchRange::Interval {
            low: 1e-5,
            high: 0.5,
            scale: SearchScale::Log,
        };
        let history: Vec<TrialRecord> = [1e-5, 0.5]
            .map(|rate| TrialRecord {
                trial: 1,
                values: BTreeMap::from([("rate".to_owned(), rate.into())]),
                run: String::new(),
                status: Status::Diverged,
                validation_accuracy: None,
                best_so_far: None,
            })
            .into();
        let mut rng = stream(0, Stream::Search);
        let value = parzen("rate", &range, &history, &mut rng)
            .unwrap()
            .as_f64()
            .unwrap();
        assert!((1e-5..=0.5).contains(&value));
        let single = SearchRange::Values {
            values: vec!["a".into()],
        };
        assert_eq!(parzen("other", &single, &history, &mut rng).unwrap(), "a");
        let error = parzen("rate", &single, &history, &mut rng)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("'rate'") && error.contains("not one of its values"),
            "{error}"
        );
    }
}
