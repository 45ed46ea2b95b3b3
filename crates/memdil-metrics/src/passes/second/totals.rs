//! Sums over samples, and the metrics computed from them.

use ndarray::Array1;

use crate::error::{MetricsError, Subject, finite};
use crate::input::check_samples;
use crate::passes::predictions::Predictions;
use crate::results::Memorization;

/// The quantities collected by a [`SecondPass`](crate::SecondPass).
#[derive(Clone, Debug, Default)]
pub struct SecondPassTotals {
    pub(super) samples: usize,
    /// Number of samples in the first pass.
    pub(super) expected: usize,
    /// Whether batches include clean labels; determined by the first batch.
    pub(super) noisy: Option<bool>,
    pub(super) nc1: Option<f64>,
    pub(super) agreeing: Option<usize>,
    pub(super) predictions: Option<Predictions>,
    /// Distances from the means of uncorrupted samples, and from the means of a test set.
    pub(super) distances: [Option<Distances>; 2],
}

/// Sums of distances and numbers of corrupted samples per clean class.
#[derive(Clone, Debug)]
pub(super) struct Distances {
    sums: Array1<f64>,
    counts: Array1<usize>,
}

impl Distances {
    pub(super) fn new(classes: usize) -> Self {
        Self {
            sums: Array1::zeros(classes),
            counts: Array1::zeros(classes),
        }
    }

    pub(super) fn add_sample(&mut self, class: usize, distance: f64) {
        self.sums[class] += distance;
        self.counts[class] += 1;
    }

    fn memorization(&self) -> Result<Memorization, MetricsError> {
        let sum = finite("memorization", self.sums.iter().sum())?;
        let corrupted = self.counts.sum();
        let mean = (corrupted > 0).then(|| sum / corrupted as f64);
        Ok(Memorization {
            sum,
            mean,
            per_class: self.sums.to_vec(),
            counts: self.counts.to_vec(),
        })
    }
}

impl SecondPassTotals {
    /// NC1 of the samples; see [`nc1`](crate::nc1).
    ///
    /// # Errors
    /// NC1 was not requested, the passes received different numbers of samples, a value outside the
    /// range of `f64`.
    pub fn nc1(&self) -> Result<f64, MetricsError> {
        let sum = collected(&self.nc1, "nc1")?;
        let (found, expected) = (self.samples, self.expected);
        if found != expected {
            return Err(MetricsError::OtherSamples { found, expected });
        }
        finite("nc1", sum / self.samples as f64)
    }

    /// NC4 of the samples; see [`nc4`](crate::nc4).
    ///
    /// # Errors
    /// NC1 or a classifier was not requested, no samples.
    pub fn nc4(&self) -> Result<f64, MetricsError> {
        let agreeing = *collected(&self.agreeing, "nc4")?;
        check_samples(Subject::Features, self.samples)?;
        Ok(agreeing as f64 / self.samples as f64)
    }

    /// Predictions of the classifier.
    ///
    /// # Errors
    /// A classifier was not requested.
    pub fn predictions(&self) -> Result<&Predictions, MetricsError> {
        collected(&self.predictions, "predictions")
    }

    /// Memorization; see [`memorization`](crate::memorization).
    ///
    /// # Errors
    /// Memorization was not requested, a value outside the range of `f64`.
    pub fn memorization(&self) -> Result<Memorization, MetricsError> {
        collected(&self.distances[0], "memorization")?.memorization()
    }

    /// Memorization relative to the test means; see
    /// [`memorization_test`](crate::memorization_test).
    ///
    /// # Errors
    /// This quantity was not requested, a value outside the range of `f64`.
    pub fn memorization_test(&self) -> Result<Memorization, MetricsError> {
        collected(&self.distances[1], "memorization_test")?.memorization()
    }

    /// Empty totals of the same quantities.
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
            distances: self.distances.each_ref().map(|of| of.as_ref().map(nothing)),
        }
    }

    /// Checks that clean labels are given for all batches or for none.
    pub(super) fn check_noisy(&self, noisy: Option<bool>) -> Result<(), MetricsError> {
        match (self.noisy, noisy) {
            (Some(own), Some(others)) if own != others => Err(MetricsError::SomeCleanLabels),
            _ => Ok(()),
        }
    }

    /// Adds totals of the same quantities.
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
        for (own, others) in self.distances.iter_mut().zip(&other.distances) {
            if let (Some(own), Some(others)) = (own, others) {
                own.sums += &others.sums;
                own.counts += &others.counts;
            }
        }
    }

    pub(super) fn is_finite(&self) -> bool {
        let mut sums = self.distances.iter().flatten().flat_map(|of| &of.sums);
        self.nc1.is_none_or(f64::is_finite)
            && self.predictions.as_ref().is_none_or(Predictions::is_finite)
            && sums.all(|sum| sum.is_finite())
    }
}

/// Returns a quantity if it was requested.
fn collected<'a, T>(part: &'a Option<T>, quantity: &'static str) -> Result<&'a T, MetricsError> {
    part.as_ref().ok_or(MetricsError::NotCollected { quantity })
}
