//! Batches of the second pass: checked, and divided among threads.

use std::collections::BTreeSet;

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::pass::{Around, SecondPass};
use super::rows::{Batch, Work};
use super::totals::SecondPassTotals;
use crate::error::{Counted, MetricsError, Subject};
use crate::input::{check_labels, why_not_finite};
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
    /// only or missing where memorization was requested, a class with corrupted samples but no
    /// uncorrupted one (or no test sample, where test means were given), non-finite features
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
            None if self.around.iter().any(Option::is_some) => {
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
            return Err(why_not_finite(features, "a product or square of the"));
        }
        self.totals.add(&totals);
        Ok(())
    }

    /// Corrupted samples are measured from the mean of their clean class: it needs one.
    fn check_means<L: Label>(&self, labels: &[L], clean: &[L]) -> Result<(), MetricsError> {
        // Clean classes of corrupted samples among those that have no mean.
        let lacking = |Around { counts, .. }: &Around| -> BTreeSet<usize> {
            if !counts.contains(&0) {
                return BTreeSet::new();
            }
            let samples = labels.iter().zip(clean);
            let corrupted = samples.filter(|(label, clean)| label != clean);
            let classes = corrupted.map(|(_, clean)| class(*clean));
            classes.filter(|&class| counts[class] == 0).collect()
        };
        let of_means = |around: &Option<Around>| around.as_ref().map(lacking).unwrap_or_default();
        let [uncorrupted, test] = self.around.each_ref().map(of_means);
        if let Some(&class) = uncorrupted.first() {
            return Err(MetricsError::NoCleanSample { class });
        }
        if !test.is_empty() {
            let classes = test.into_iter().collect();
            return Err(MetricsError::NoTestSample { classes });
        }
        Ok(())
    }
}
