//! Batches of the second pass: checked, and divided among threads.

use std::collections::BTreeSet;

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::pass::SecondPass;
use super::rows::{Batch, Work};
use super::totals::SecondPassTotals;
use crate::error::{Counted, MetricsError, Subject};
use crate::input::{check_labels, non_finite_row};
use crate::kernels::{BLOCK, Real, Rows, slabs};
use crate::label::{Label, class};

/// Rows that are worth a thread, and the most ranges that a batch is divided into.
const ROWS_A_SLAB: usize = 8 * BLOCK;
const SLABS: usize = 256;

impl<C: Real> SecondPass<'_, C> {
    /// Adds a batch; `labels` are the observed ones.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` and `clean_labels` (samples). A batch may be
    /// empty.
    ///
    /// # Errors
    /// Shapes or lengths that differ, a label outside the classes, clean labels in some batches
    /// only or missing where memorization was asked for, a class with corrupted samples but no
    /// uncorrupted one (or no test sample, where test means were asked for), non-finite features
    /// (the row counts within the batch), values beyond the range of `f64`. After an error the pass
    /// is as it was.
    pub fn add<T: Real + Into<C>, L: Label>(
        &mut self,
        features: ArrayView2<'_, T>,
        labels: &[L],
        clean_labels: Option<&[L]>,
    ) -> Result<(), MetricsError> {
        let (rows, columns) = features.dim();
        let (dim, classes) = (self.moments.dim(), self.moments.classes());
        Counted::Columns.check(Subject::Features, columns, Subject::FirstPass, dim)?;
        check_labels(labels, clean_labels, (Subject::Features, rows), classes)?;
        self.totals.check_noisy(Some(clean_labels.is_some()))?;
        match clean_labels {
            Some(clean) => self.check_means(labels, clean)?,
            None if self.own.is_some() || self.others.is_some() => {
                return Err(MetricsError::NoCleanLabels);
            }
            None => {}
        }
        if rows == 0 {
            return Ok(());
        }
        let batch = Batch {
            rows: Rows::new(features),
            labels,
            clean: clean_labels,
        };
        let collect = |work: &mut Work<T, C>, range| self.collect(&batch, range, work);
        let parts: Vec<SecondPassTotals> = slabs(rows, ROWS_A_SLAB, SLABS)
            .into_par_iter()
            .map_init(Work::default, collect)
            .collect();
        let mut totals = self.totals.empty();
        totals.noisy = Some(clean_labels.is_some());
        parts.iter().for_each(|part| totals.add(part));
        if !totals.is_finite() {
            let array = Subject::Features;
            return Err(match non_finite_row(features) {
                Some(row) => MetricsError::NonFinite { array, row },
                None => MetricsError::SumOverflow {
                    sum: "a product or square of the",
                    array,
                },
            });
        }
        self.totals.add(&totals);
        Ok(())
    }

    /// Corrupted samples are measured from the mean of their clean class: it needs one.
    fn check_means<L: Label>(&self, labels: &[L], clean: &[L]) -> Result<(), MetricsError> {
        // Clean classes of corrupted samples among those that have no mean.
        let lacking = |counts: &[usize]| -> BTreeSet<usize> {
            if !counts.contains(&0) {
                return BTreeSet::new();
            }
            let samples = labels.iter().zip(clean);
            let corrupted = samples.filter(|(label, clean)| label != clean);
            let classes = corrupted.map(|(_, clean)| class(*clean));
            classes.filter(|&class| counts[class] == 0).collect()
        };
        if self.own.is_some()
            && let Some(&class) = lacking(&self.moments.noise()?.uncorrupted).first()
        {
            return Err(MetricsError::NoCleanSample { class });
        }
        let classes: Vec<usize> = lacking(&self.other_counts).into_iter().collect();
        if classes.is_empty() {
            return Ok(());
        }
        Err(MetricsError::NoTestSample { classes })
    }
}
