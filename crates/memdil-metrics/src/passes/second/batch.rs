//! Checks of the batches of the second pass, and their division among threads.

use std::collections::BTreeSet;

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::pass::{ReferenceMeans, SecondPass};
use super::rows::{Batch, Work};
use super::totals::SecondPassTotals;
use crate::error::{Counted, MetricsError, Subject};
use crate::input::{check_labels, why_not_finite};
use crate::kernels::{BLOCK, Real, Rows, slabs};
use crate::label::{Label, class};

/// Smallest number of rows for a separate thread.
const MIN_SLAB_ROWS: usize = 8 * BLOCK;
/// Largest number of ranges that a batch is divided into.
const MAX_SLABS: usize = 256;

impl<C: Real> SecondPass<'_, C> {
    /// Adds a batch. `labels` are the observed labels.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` and `clean_labels` (samples). A batch may be
    /// empty.
    ///
    /// # Errors
    /// Mismatched shapes or lengths, a label outside the classes, clean labels for some batches
    /// only, no clean labels although memorization was requested, a class with corrupted samples
    /// but no uncorrupted ones (or no test samples, if test means were given), non-finite features
    /// (with the row within the batch), values outside the range of `f64`. After an error the pass
    /// is unchanged.
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
            None if self.references.iter().any(Option::is_some) => {
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
        let parts: Vec<SecondPassTotals> = slabs(rows, MIN_SLAB_ROWS, MAX_SLABS)
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

    /// Checks that the mean of the clean class of each corrupted sample is defined.
    fn check_means<L: Label>(&self, labels: &[L], clean: &[L]) -> Result<(), MetricsError> {
        // Clean classes of corrupted samples whose mean is not defined.
        let lacking = |ReferenceMeans { counts, .. }: &ReferenceMeans| -> BTreeSet<usize> {
            if !counts.contains(&0) {
                return BTreeSet::new();
            }
            let samples = labels.iter().zip(clean);
            let corrupted = samples.filter(|(label, clean)| label != clean);
            let classes = corrupted.map(|(_, clean)| class(*clean));
            classes.filter(|&class| counts[class] == 0).collect()
        };
        let of_means =
            |means: &Option<ReferenceMeans>| means.as_ref().map(lacking).unwrap_or_default();
        let [uncorrupted, test] = self.references.each_ref().map(of_means);
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
