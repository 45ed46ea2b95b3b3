//! Sums over samples, and the metrics that they give.

use crate::error::finite;
use crate::{Memorization, MetricsError, Predictions};

/// What a [`SecondPass`](crate::SecondPass) has collected.
#[derive(Clone, Debug)]
pub struct SecondPassTotals {
    samples: usize,
    /// Samples of the first pass.
    expected: usize,
    /// Whether clean labels come with the batches; the first batch decides.
    noisy: Option<bool>,
    nc1: Option<f64>,
    agreeing: Option<usize>,
    predictions: Option<Predictions>,
    memorization: Option<Distances>,
    memorization_test: Option<Distances>,
}

/// Sums of distances and numbers of corrupted samples by clean class.
#[derive(Clone, Debug)]
struct Distances {
    sums: Vec<f64>,
    counts: Vec<usize>,
}

impl Distances {
    fn new(classes: usize) -> Self {
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
        let sum = self
            .nc1
            .ok_or(MetricsError::NotCollected { quantity: "nc1" })?;
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
        let agreeing = self
            .agreeing
            .ok_or(MetricsError::NotCollected { quantity: "nc4" })?;
        match self.samples {
            0 => Err(MetricsError::NoSamples { array: "features" }),
            samples => Ok(agreeing as f64 / samples as f64),
        }
    }

    /// What the classifier predicts.
    ///
    /// # Errors
    /// A classifier was not asked for.
    pub fn predictions(&self) -> Result<&Predictions, MetricsError> {
        self.predictions.as_ref().ok_or(MetricsError::NotCollected {
            quantity: "predictions",
        })
    }

    /// Memorization; see [`memorization`](crate::memorization).
    ///
    /// # Errors
    /// It was not asked for, a value beyond the range of `f64`.
    pub fn memorization(&self) -> Result<Memorization, MetricsError> {
        let distances = self.memorization.as_ref();
        distances
            .ok_or(MetricsError::NotCollected {
                quantity: "memorization",
            })?
            .memorization()
    }

    /// Memorization around test means; see [`memorization_test`](crate::memorization_test).
    ///
    /// # Errors
    /// It was not asked for, a value beyond the range of `f64`.
    pub fn memorization_test(&self) -> Result<Memorization, MetricsError> {
        let distances = self.memorization_test.as_ref();
        distances
            .ok_or(MetricsError::NotCollected {
                quantity: "memorization_test",
            })?
            .memorization()
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

    pub(super) fn ask_nc1(&mut self) {
        self.nc1 = Some(0.0);
    }

    pub(super) fn ask_nc4(&mut self) {
        self.agreeing = Some(0);
    }

    pub(super) fn ask_predictions(&mut self, classes: usize) {
        self.predictions = Some(Predictions::new(classes));
    }

    pub(super) fn ask_memorization(&mut self, classes: usize) {
        self.memorization = Some(Distances::new(classes));
    }

    pub(super) fn ask_memorization_test(&mut self, classes: usize) {
        self.memorization_test = Some(Distances::new(classes));
    }

    /// Totals that ask for the same and hold nothing.
    pub(super) fn empty(&self) -> Self {
        let none = |distances: &Option<Distances>| {
            distances.as_ref().map(|d| Distances::new(d.sums.len()))
        };
        Self {
            samples: 0,
            expected: self.expected,
            noisy: self.noisy,
            nc1: self.nc1.map(|_| 0.0),
            agreeing: self.agreeing.map(|_| 0),
            predictions: self
                .predictions
                .as_ref()
                .map(|predictions| Predictions::new(predictions.classes())),
            memorization: none(&self.memorization),
            memorization_test: none(&self.memorization_test),
        }
    }

    /// Clean labels come with all batches or none.
    pub(super) fn check_noisy(&self, noisy: Option<bool>) -> Result<(), MetricsError> {
        match (self.noisy, noisy) {
            (Some(own), Some(others)) if own != others => Err(MetricsError::SomeCleanLabels),
            _ => Ok(()),
        }
    }

    pub(super) fn noisy(&self) -> Option<bool> {
        self.noisy
    }

    pub(super) fn set_noisy(&mut self, noisy: bool) {
        self.noisy = Some(noisy);
    }

    pub(super) fn count(&mut self, samples: usize) {
        self.samples += samples;
    }

    pub(super) fn add_nc1(&mut self, sum: f64) {
        if let Some(nc1) = &mut self.nc1 {
            *nc1 += sum;
        }
    }

    pub(super) fn add_agreement(&mut self, agrees: bool) {
        if let Some(agreeing) = &mut self.agreeing {
            *agreeing += usize::from(agrees);
        }
    }

    pub(super) fn add_prediction(
        &mut self,
        logits: &mut [f64],
        predicted: usize,
        label: usize,
        clean: Option<usize>,
    ) {
        if let Some(predictions) = &mut self.predictions {
            predictions.add_row(logits, predicted, label, clean);
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
        self.add_nc1(other.nc1.unwrap_or(0.0));
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
