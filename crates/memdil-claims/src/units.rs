//! The runs behind each value of a test.

use std::collections::BTreeSet;

use crate::condition::{Conditions, shown};
use crate::design::{Group, Pair, Plan, Unit};
use crate::{ClaimError, Declaration, Test};

/// Evaluations that a claim about the course of training needs.
const EVALUATIONS_NEEDED: usize = 13;
/// Values of a setting that a rank correlation over it needs.
const LEVELS_NEEDED: usize = 5;

/// Runs, each with its reference.
type Levels = Vec<(usize, Option<usize>)>;

impl Plan<'_> {
    /// One unit for each run that leads one.
    pub(crate) fn units(
        &self,
        claim: &Declaration,
        group: &Group,
    ) -> Result<Vec<(usize, Unit)>, ClaimError> {
        let runs = &group.runs;
        let mut units = Vec::new();
        match &claim.test {
            Test::Paired { of, against, .. } | Test::NonInferior { of, against, .. } => {
                for pair in self.pairs(runs, of, against) {
                    units.push((pair.of, Unit::Pair(pair)));
                }
            }
            Test::Interaction {
                of,
                against,
                within,
                beyond,
                ..
            } => {
                units = self.interactions(runs, (of, against), within, beyond);
            }
            Test::WithinRun { reference, .. } => units = self.courses(claim, runs, reference)?,
            Test::Dose {
                over, reference, ..
            } => units = self.doses(claim, runs, over, reference)?,
            Test::Trend { .. } => {
                if let Some(&run) = runs
                    .iter()
                    .find(|&&run| self.specs[run].training.evaluations() < 2)
                {
                    let seed = self.specs[run].seed;
                    let reason = format!(
                        "needs two evaluations in a run, and one is planned for seed {seed}"
                    );
                    return Err(ClaimError::declaration(&claim.id, reason));
                }
                units.extend(runs.iter().map(|&run| (run, Unit::Trend(run))));
            }
            Test::Prediction { fit } => units = self.predictions(runs, fit),
            Test::Exact { .. } => {}
        }
        Ok(units)
    }

    /// Pairs within some settings, each with the pair beyond them.
    fn interactions(
        &self,
        runs: &[usize],
        (of, against): (&Conditions, &Conditions),
        within: &Conditions,
        beyond: &Conditions,
    ) -> Vec<(usize, Unit)> {
        let pairs = |conditions: &Conditions| {
            let inside = runs
                .iter()
                .copied()
                .filter(|&run| conditions.hold(&self.settings[run]));
            let inside: Vec<usize> = inside.collect();
            self.pairs(&inside, of, against)
        };
        let others = pairs(beyond);
        let free = |key: &str| within.decides(key) || beyond.decides(key);
        let mut units = Vec::new();
        for within in pairs(within) {
            let same = |other: &&Pair| self.matches(within.of, other.of, free);
            if let Some(beyond) = others.iter().find(same).cloned() {
                units.push((within.of, Unit::Interaction { within, beyond }));
            }
        }
        units
    }

    /// Runs with their reference and the runs of other seeds.
    fn courses(
        &self,
        claim: &Declaration,
        runs: &[usize],
        reference: &Conditions,
    ) -> Result<Vec<(usize, Unit)>, ClaimError> {
        let mut units = Vec::new();
        for &run in runs {
            let evaluations = self.specs[run].training.evaluations();
            if evaluations < EVALUATIONS_NEEDED {
                let reason = format!(
                    "needs {EVALUATIONS_NEEDED} evaluations in a run, and {evaluations} are planned: add epochs to \
                     training.evaluate_at"
                );
                return Err(ClaimError::declaration(&claim.id, reason));
            }
            let is_other = |&other: &usize| {
                self.specs[other].seed != self.specs[run].seed
                    && self.differing[other] == self.differing[run]
            };
            let others: Vec<usize> = runs.iter().copied().filter(is_other).collect();
            if let (Some(reference), true) = (self.reference(run, reference), others.len() >= 2) {
                units.push((
                    run,
                    Unit::Course {
                        run,
                        reference,
                        others,
                    },
                ));
            }
        }
        Ok(units)
    }

    /// The runs of one side, each with all of the other side that agree with it in what the
    /// conditions leave open.
    fn pairs(&self, runs: &[usize], of: &Conditions, against: &Conditions) -> Vec<Pair> {
        let side = |conditions: &Conditions| -> Vec<usize> {
            let holding = runs.iter().copied();
            holding
                .filter(|&run| conditions.hold(&self.settings[run]))
                .collect()
        };
        let holding = side(against);
        let free = |key: &str| of.decides(key) || against.decides(key);
        let mut pairs = Vec::new();
        for run in side(of) {
            let partner = |&other: &usize| other != run && self.matches(run, other, free);
            let against: Vec<usize> = holding.iter().copied().filter(partner).collect();
            if !against.is_empty() {
                pairs.push(Pair { of: run, against });
            }
        }
        pairs
    }

    fn matches(&self, a: usize, b: usize, free: impl Fn(&str) -> bool) -> bool {
        self.specs[a].seed == self.specs[b].seed && self.equal_but(a, b, free)
    }

    fn equal_but(&self, a: usize, b: usize, free: impl Fn(&str) -> bool) -> bool {
        let (a, b) = (&self.differing[a], &self.differing[b]);
        let keys = a.0.keys().chain(b.0.keys());
        keys.filter(|key| !free(key))
            .all(|key| a.get(key) == b.get(key))
    }

    /// The run of the same seed that differs in what the conditions decide.
    fn reference(&self, run: usize, conditions: &Conditions) -> Option<usize> {
        (0..self.specs.len()).find(|&other| {
            other != run
                && self.matches(run, other, |key| conditions.decides(key))
                && conditions.hold(&self.settings[other])
        })
    }

    fn doses(
        &self,
        claim: &Declaration,
        runs: &[usize],
        over: &str,
        reference: &Conditions,
    ) -> Result<Vec<(usize, Unit)>, ClaimError> {
        let mut levels: BTreeSet<String> = BTreeSet::new();
        let mut units: Vec<(usize, Levels)> = Vec::new();
        for &run in runs {
            let found = match reference.is_empty() {
                true => Some(None),
                false => self.reference(run, reference).map(Some),
            };
            let Some(reference) = found else { continue };
            levels.insert(shown(self.settings[run].get(over)));
            match units
                .iter_mut()
                .find(|(first, _)| self.matches(*first, run, |key| key == over))
            {
                Some((_, runs)) => runs.push((run, reference)),
                None => units.push((run, vec![(run, reference)])),
            }
        }
        if levels.len() < LEVELS_NEEDED {
            let all = self
                .settings
                .iter()
                .all(|settings| !settings.0.contains_key(over));
            let reason = if all {
                format!("over: no run has a setting '{over}'")
            } else {
                format!(
                    "over: {over} has {} values in the planned runs with a reference; {LEVELS_NEEDED} are needed",
                    levels.len()
                )
            };
            return Err(ClaimError::declaration(&claim.id, reason));
        }
        let number = |run: usize| self.settings[run].get(over).as_f64().unwrap_or_default();
        let complete = units
            .into_iter()
            .filter(|(_, runs)| runs.len() >= LEVELS_NEEDED);
        Ok(complete
            .map(|(first, mut runs)| {
                runs.sort_by(|a, b| number(a.0).total_cmp(&number(b.0)));
                (first, Unit::Levels(runs))
            })
            .collect())
    }

    /// For each seed its runs that are not fitted to, beside the runs of other seeds that are.
    fn predictions(&self, runs: &[usize], fit: &Conditions) -> Vec<(usize, Unit)> {
        let (fitted, other): (Vec<usize>, Vec<usize>) = runs
            .iter()
            .copied()
            .partition(|&run| fit.hold(&self.settings[run]));
        let seeds: BTreeSet<u64> = other.iter().map(|&run| self.specs[run].seed).collect();
        let unit = |seed: u64| {
            let test: Vec<usize> = other
                .iter()
                .copied()
                .filter(|&run| self.specs[run].seed == seed)
                .collect();
            let fit = fitted
                .iter()
                .copied()
                .filter(|&run| self.specs[run].seed != seed)
                .collect();
            (test[0], Unit::Prediction { fit, test })
        };
        seeds.into_iter().map(unit).collect()
    }
}

impl Test {
    /// Its conditions by the names of their keys.
    pub(crate) fn conditions(&self) -> Vec<(&'static str, &Conditions)> {
        match self {
            Self::Paired { of, against, .. } | Self::NonInferior { of, against, .. } => {
                vec![("of", of), ("against", against)]
            }
            Self::Interaction {
                of,
                against,
                within,
                beyond,
                ..
            } => {
                vec![
                    ("of", of),
                    ("against", against),
                    ("within", within),
                    ("beyond", beyond),
                ]
            }
            Self::WithinRun { reference, .. } | Self::Dose { reference, .. } => {
                vec![("reference", reference)]
            }
            Self::Prediction { fit } => vec![("fit", fit)],
            Self::Trend { .. } | Self::Exact { .. } => Vec::new(),
        }
    }

    /// True for settings in which the runs of one unit differ.
    pub(crate) fn decides(&self, key: &str) -> bool {
        self.levels() == Some(key)
            || self
                .conditions()
                .iter()
                .any(|(_, conditions)| conditions.decides(key))
    }

    /// The setting of a rank correlation.
    pub(crate) fn levels(&self) -> Option<&str> {
        match self {
            Self::Dose { over, .. } => Some(over),
            _ => None,
        }
    }

    /// Why there may be no unit.
    pub(crate) fn unpaired(&self) -> &'static str {
        match self {
            Self::Paired { .. } | Self::NonInferior { .. } => {
                "no planned run has a partner that differs in the compared settings only"
            }
            Self::Interaction { .. } => "no planned pair of runs within has a pair beyond",
            Self::WithinRun { .. } => "no planned run has a reference and two other seeds",
            Self::Dose { .. } => "no planned seed has all values of the setting",
            Self::Prediction { .. } => "no planned run is left to predict",
            Self::Trend { .. } | Self::Exact { .. } => "there are no planned runs",
        }
    }
}
