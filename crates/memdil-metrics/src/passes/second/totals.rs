//! Sums over samples, and the metrics that they give.

use crate::error::{MetricsError, Subject, finite};
use crate::passes::predictions::Predictions;
use crate::results::Memorization;

/// What a [`SecondPass`](crate::SecondPass) has collected.
#[derive(Clone, Debug)]
pub struct SecondPassTotals {
    pub(super) samples: usize,
    /// Samples of the first pass.
    pub(super) expected: usize,
    /// Whether clean labels come with the batches; the first batch decides.
    pub(super) noisy: Option<bool>,
    pub(super) nc1: Option<f64>,
    pub(super) agreeing: Option<usize>,
    pub(super) predictions: Option<Predictions>,
    pub(super) memorization: Option<Distances>,
    pub(super) memorization_test: Option<Distances>,
}

/// Sums of distances and numbers of corrupted samples by clean class.
#[derive(Clone, Debug)]
pub(super) struct Distances {
    sums: Vec<f64>,
    counts: Vec<usize>,
}

impl Distances {
    pub(super) fn new(classes: usize) -> Self {
        Self {
            sums: vec![0.0; classes],
            counts: vec![0; classes],
        }
    }

    fn add(&mut self, other: &Self) {
        self.sums
            .iter_mut()
            .zip(&other.sums)
            .for_each(|(sum, value)| *sum += value);
        self.counts
            .iter_mut()
            .zip(&other.counts)
            .for_each(|(sum, value)| *sum += value);
    }

    fn memorization(&self) -> Result<Memorization, MetricsError> {
        let sum = finite("memorization", self.sums.iter().sum())?;
        let corrupted: usize = self.counts.iter().sum();
        let mean = (corrupted > 0).then(|| sum / corrupted as f64);
        Ok(Memorization {
            sum,
            mean,
            per_class: self.sums.clone(),
            counts: self.counts.clone(),
        })
    }
}

impl SecondPassTotals {
    /// NC1 of the samples; see [`nc1`](crate::nc1).
    ///
    /// # Errors
    /// It was not asked for, the passes saw different numbers of samples, a value beyond the range
    /// of `f64`.
    pub fn nc1(&self) -> Result<f64, MetricsError> {
        let sum = collected(&self.nc1, "nc1")?;
        if self.samples != self.expected {
            return Err(MetricsError::OtherSamples {
                found: self.samples,
                expected: self.expected,
            });
        }
        finite("nc1", sum / self.samples as f64)
    }

    /// NC4 of the samples; see [`nc4`](crate::nc4).
    ///
    /// # Errors
    /// NC1 and a classifier were not asked for, no samples.
    pub fn nc4(&self) -> Result<f64, MetricsError> {
        let agreeing = *collected(&self.agreeing, "nc4")?;
        if self.samples == 0 {
            let array = Subject::Features;
            return Err(MetricsError::NoSamples { array });
        }
        Ok(agreeing as f64 / self.samples as f64)
    }

    /// What the classifier predicts.
    ///
    /// # Errors
    /// A classifier was not asked for.
    pub fn predictions(&self) -> Result<&Predictions, MetricsError> {
        collected(&self.predictions, "predictions")
    }

    /// Memorization; see [`memorization`](crate::memorization).
    ///
    /// # Errors
    /// It was not asked for, a value beyond the range of `f64`.
    pub fn memorization(&self) -> Result<Memorization, MetricsError> {
        collected(&self.memorization, "memorization")?.memorization()
    }

    /// Memorization around test means; see [`memorization_test`](crate::memorization_test).
    ///
    /// # Errors
    /// It was not asked for, a value beyond the range of `f64`.
    pub fn memorization_test(&self) -> Result<Memorization, MetricsError> {
        collected(&self.memorization_test, "memorization_test")?.memorization()
    }

    pub(super) fn new(expected: usize) -> Self {
        Self {
            samples: 0,
            expected,
            noisy: None,
            nc1: None,
            agreeing: None,
            predictions: None,
            memorization: None,
            memorization_test: None,
        }
    }

    /// Totals that ask for the same and hold nothing.
    pub(super) fn empty(&self) -> Self {
        let nothing = |distances: &Distances| Distances::new(distances.sums.len());
        let predictions = self.predictions.as_ref();
        Self {
            samples: 0,
            expected: self.expected,
            noisy: self.noisy,
            nc1: self.nc1.map(|_| 0.0),
            agreeing: self.agreeing.map(|_| 0),
            predictions: predictions.map(|of| Predictions::new(of.classes())),
            memorization: self.memorization.as_ref().map(nothing),
            memorization_test: self.memorization_test.as_ref().map(nothing),
        }
    }

    /// Clean labels come with all batches or none.
    pub(super) fn check_noisy(&self, noisy: Option<bool>) -> Result<(), MetricsError> {
        match (self.noisy, noisy) {
            (Some(own), Some(others)) if own != others => Err(MetricsError::SomeCleanLabels),
            _ => Ok(()),
        }
    }

    /// A corrupted sample of this clean class.
    pub(super) fn add_distance(&mut self, class: usize, own: Option<f64>, test: Option<f64>) {
        for (totals, distance) in [
            (&mut self.memorization, own),
            (&mut self.memorization_test, test),
        ] {
            if let (Some(totals), Some(distance)) = (totals, distance) {
                totals.sums[class] += distance;
                totals.counts[class] += 1;
            }
        }
    }

    /// Adds totals that ask for the same.
    pub(super) fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.noisy = self.noisy.or(other.noisy);
        if let (Some(own), Some(others)) = (&mut self.nc1, other.nc1) {
            *own += others;
        }
        if let (Some(own), Some(others)) = (&mut self.agreeing, other.agreeing) {
            *own += others;
        }
        if let (Some(own), Some(others)) = (&mut self.predictions, &other.predictions) {
            own.add_all(others);
        }
        for (own, others) in [
            (&mut self.memorization, &other.memorization),
            (&mut self.memorization_test, &other.memorization_test),
        ] {
            if let (Some(own), Some(others)) = (own, others) {
                own.add(others);
            }
        }
    }

    pub(super) fn is_finite(&self) -> bool {
        let distances = [&self.memorization, &self.memorization_test]
            .into_iter()
            .flatten();
        self.nc1.is_none_or(f64::is_finite)
            && self.predictions.as_ref().is_none_or(Predictions::is_finite)
            && distances
                .flat_map(|distances| &distances.sums)
                .all(|sum| sum.is_finite())
    }
}

/// A part that was asked for.
fn collected<'a, T>(part: &'a Option<T>, quantity: &'static str) -> Result<&'a T, MetricsError> {
    part.as_ref().ok_or(MetricsError::NotCollected { quantity })
}
