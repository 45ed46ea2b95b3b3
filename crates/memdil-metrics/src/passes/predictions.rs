//! Metrics of logits and labels, collected sample by sample.

use std::ops::Range;

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::error::{Counted, MetricsError, Subject, finite};
use crate::input::{check_labels, check_samples, non_finite_row};
use crate::kernels::{Real, Rows, exponentials, slabs};
use crate::label::{Label, class};
use crate::results::MemorizedFraction;

/// Number of bins of [`ece`](crate::ece) and [`adaptive_ece`](crate::adaptive_ece).
pub const ECE_BINS: usize = 15;

/// Collects accuracy, calibration and the predictions for corrupted samples from batches of logits.
///
/// Batches may have any order, and collectors can be [merged](Self::merge). The functions of
/// the same names define the metrics. Memory is 8 bytes per sample, which
/// [`adaptive_ece`](Self::adaptive_ece) requires.
///
/// ```
/// use ndarray::array;
/// let mut predictions = memdil_metrics::Predictions::new(2);
/// predictions.add(array![[2.0, 1.0], [0.0, 3.0]].view(), &[0, 1], None)?;
/// predictions.add(array![[1.0, 1.0], [0.0, 9.0]].view(), &[0, 0], None)?;
/// assert_eq!(predictions.accuracy()?, 0.75);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Predictions {
    classes: usize,
    correct: usize,
    /// Number of correct predictions minus the sum of confidences per confidence bin:
    /// $|b| (\mathrm{acc}(b) - \mathrm{conf}(b))$.
    gaps: [f64; ECE_BINS],
    brier: f64,
    nll: f64,
    /// Confidence of each prediction, negative if the prediction is wrong.
    confidences: Vec<f64>,
    /// Numbers of corrupted samples predicted as the given label, the clean label and another
    /// class.
    corrupted: [usize; 3],
}

/// Smallest number of rows for a separate thread.
const MIN_SLAB_ROWS: usize = 4096;
/// Largest number of ranges that a batch is divided into.
const MAX_SLABS: usize = 256;

impl Predictions {
    /// Creates a collector for logits of a number of classes.
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            ..Self::default()
        }
    }

    /// Collects logits in memory.
    pub(crate) fn of<T: Real, L: Label>(
        logits: ArrayView2<'_, T>,
        labels: &[L],
        clean_labels: Option<&[L]>,
        classes: usize,
    ) -> Result<Self, MetricsError> {
        let mut predictions = Self::new(classes);
        predictions.add(logits, labels, clean_labels)?;
        Ok(predictions)
    }

    /// Adds a batch. Without clean labels, no sample counts as corrupted.
    ///
    /// # Shapes
    /// `logits` (samples x classes), `labels` and `clean_labels` (samples). A batch may be empty.
    ///
    /// # Errors
    /// Mismatched shapes or lengths, a label without a logit, non-finite logits (with the row
    /// within the batch). After an error the collector is unchanged.
    pub fn add<T: Real, L: Label>(
        &mut self,
        logits: ArrayView2<'_, T>,
        labels: &[L],
        clean_labels: Option<&[L]>,
    ) -> Result<(), MetricsError> {
        let (rows, columns) = logits.dim();
        let classes = self.classes;
        Counted::Columns.check(Subject::Logits, columns, Subject::NumberOfClasses, classes)?;
        check_labels(labels, clean_labels, (Subject::Logits, rows), classes)?;
        if let Some(row) = non_finite_row(logits) {
            let array = Subject::Logits;
            return Err(MetricsError::NonFinite { array, row });
        }
        let source = Rows::new(logits);
        let collect = |range: Range<usize>| {
            let mut part = Self::new(classes);
            let (mut scratch, mut values) = (Vec::new(), vec![0.0; classes]);
            for row in range {
                let logits = source.get(row, &mut scratch);
                for (slot, &value) in values.iter_mut().zip(logits) {
                    *slot = value.into();
                }
                let clean = clean_labels.map(|clean| class(clean[row]));
                let predicted = argmax(&values);
                part.add_row(&mut values, predicted, class(labels[row]), clean);
            }
            part
        };
        let ranges = slabs(rows, MIN_SLAB_ROWS, MAX_SLABS).into_par_iter();
        let parts: Vec<Self> = ranges.map(collect).collect();
        parts.iter().for_each(|part| self.add_all(part));
        Ok(())
    }

    /// Adds the batches of another collector.
    ///
    /// # Errors
    /// Different numbers of classes.
    pub fn merge(&mut self, other: &Self) -> Result<(), MetricsError> {
        let (theirs, own) = (Subject::OtherCollector, Subject::ThisCollector);
        Counted::Classes.check(theirs, other.classes, own, self.classes)?;
        self.add_all(other);
        Ok(())
    }

    /// See [`accuracy`](crate::accuracy()).
    ///
    /// # Errors
    /// No samples.
    pub fn accuracy(&self) -> Result<f64, MetricsError> {
        Ok(self.correct as f64 / self.samples()?)
    }

    /// See [`ece`](crate::ece).
    ///
    /// # Errors
    /// No samples.
    pub fn ece(&self) -> Result<f64, MetricsError> {
        Ok(self.gaps.iter().map(|gap| gap.abs()).sum::<f64>() / self.samples()?)
    }

    /// See [`adaptive_ece`](crate::adaptive_ece).
    ///
    /// # Errors
    /// No samples.
    pub fn adaptive_ece(&self) -> Result<f64, MetricsError> {
        let samples = self.samples()?;
        let mut sorted = self.confidences.clone();
        sorted.par_sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let (least, larger) = (sorted.len() / ECE_BINS, sorted.len() % ECE_BINS);
        let (mut sum, mut rest) = (0.0, sorted.as_slice());
        for bin in 0..ECE_BINS {
            let (own, others) = rest.split_at(least + usize::from(bin < larger));
            // Correct predictions contribute 1 - c, wrong ones -c; wrong ones are stored as -c.
            let gaps = own.iter().map(|c| if *c > 0.0 { 1.0 - c } else { *c });
            sum += gaps.sum::<f64>().abs();
            rest = others;
        }
        Ok(sum / samples)
    }

    /// See [`brier`](crate::brier).
    ///
    /// # Errors
    /// No samples.
    pub fn brier(&self) -> Result<f64, MetricsError> {
        Ok(self.brier / self.samples()?)
    }

    /// See [`nll`](crate::nll).
    ///
    /// # Errors
    /// No samples, a sum outside the range of `f64`.
    pub fn nll(&self) -> Result<f64, MetricsError> {
        finite("nll", self.nll / self.samples()?)
    }

    /// See [`memorized_fraction`](crate::memorized_fraction); `None` if no sample is corrupted.
    pub fn memorized_fraction(&self) -> Option<MemorizedFraction> {
        let total: usize = self.corrupted.iter().sum();
        let [as_given, as_clean, as_other] =
            self.corrupted.map(|count| count as f64 / total as f64);
        (total > 0).then_some(MemorizedFraction {
            as_given,
            as_clean,
            as_other,
        })
    }

    pub(crate) fn classes(&self) -> usize {
        self.classes
    }

    fn samples(&self) -> Result<f64, MetricsError> {
        check_samples(Subject::Logits, self.confidences.len())?;
        Ok(self.confidences.len() as f64)
    }

    pub(crate) fn is_finite(&self) -> bool {
        self.brier.is_finite() && !self.nll.is_nan()
    }

    /// Adds one sample; `predicted` is the index of the largest logit. Overwrites the logits.
    ///
    /// Late in training, probabilities are close to 0 and 1. To avoid cancellation, all quantities
    /// are computed from `rest`, the sum of the exponentials without the largest, which is 1.
    #[inline]
    pub(crate) fn add_row(
        &mut self,
        logits: &mut [f64],
        predicted: usize,
        label: usize,
        clean: Option<usize>,
    ) {
        let (largest, of_label) = (logits[predicted], logits[label]);
        logits[predicted] = f64::NEG_INFINITY;
        let (rest, squares) = exponentials(logits, largest);
        let total = 1.0 + rest;
        let confidence = 1.0 / total;
        let right = predicted == label;
        self.correct += usize::from(right);
        self.gaps[bin_of(confidence)] += if right { rest / total } else { -confidence };
        self.confidences
            .push(if right { confidence } else { -confidence });
        self.brier += if right {
            (rest * rest + squares) / (total * total)
        } else {
            let of_label = logits[label];
            (1.0 - of_label / total).powi(2)
                + (1.0 + (squares - of_label * of_label)) / (total * total)
        };
        self.nll += (largest - of_label) + rest.ln_1p();
        if let Some(clean) = clean.filter(|&clean| clean != label) {
            let share = match predicted {
                _ if right => 0,
                class if class == clean => 1,
                _ => 2,
            };
            self.corrupted[share] += 1;
        }
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        self.correct += other.correct;
        for (sum, value) in self.gaps.iter_mut().zip(other.gaps) {
            *sum += value;
        }
        self.brier += other.brier;
        self.nll += other.nll;
        self.confidences.extend_from_slice(&other.confidences);
        for (sum, value) in self.corrupted.iter_mut().zip(other.corrupted) {
            *sum += value;
        }
    }
}

/// The bin $(j/15, (j+1)/15]$ of a confidence in $(0, 1]$.
fn bin_of(confidence: f64) -> usize {
    let upper_edge = |bin: usize| (bin + 1) as f64 / ECE_BINS as f64;
    // The guess is one too large on an edge, and may be off by one if the product is rounded across
    // an edge.
    let guess = ((confidence * ECE_BINS as f64) as usize).min(ECE_BINS - 1);
    if guess > 0 && confidence <= upper_edge(guess - 1) {
        guess - 1
    } else if confidence > upper_edge(guess) && guess + 1 < ECE_BINS {
        guess + 1
    } else {
        guess
    }
}

/// Index of the largest value; the lowest index in case of ties.
pub(crate) fn argmax(values: &[f64]) -> usize {
    argmax_and_lead(values).0
}

/// Index of the largest value (the lowest index in case of ties), and its difference to the second
/// largest.
#[inline]
pub(crate) fn argmax_and_lead(values: &[f64]) -> (usize, f64) {
    let (mut best, mut largest, mut second) = (0, f64::NEG_INFINITY, f64::NEG_INFINITY);
    for (index, &value) in values.iter().enumerate() {
        second = second.max(value.min(largest));
        if value > largest {
            (best, largest) = (index, value);
        }
    }
    (best, largest - second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_include_their_upper_edge() {
        for bin in 0..ECE_BINS {
            let edge = (bin + 1) as f64 / ECE_BINS as f64;
            assert_eq!(bin_of(edge), bin);
            assert_eq!(bin_of(edge + 1e-15), (bin + 1).min(ECE_BINS - 1));
        }
        assert_eq!(bin_of(1e-9), 0);
    }

    #[test]
    fn ties_go_to_the_lowest_index() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(argmax(&[0.0, -0.0, 0.0]), 0);
        assert_eq!(argmax_and_lead(&[-5.0, -4.0, -4.0, -3.0]), (3, 1.0));
        assert_eq!(argmax_and_lead(&[2.0, 5.0, 3.0]), (1, 2.0));
        assert_eq!(argmax_and_lead(&[7.0, 7.0]), (0, 0.0));
        assert_eq!(argmax_and_lead(&[7.0]), (0, f64::INFINITY));
    }
}
