//! The first pass: class means and the scatter around them.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::moments::Moments;
use crate::error::{Counted, MetricsError, Subject};
use crate::input::{check_labels, check_samples, first_empty_class, why_not_finite};
use crate::kernels::{AddRows, Real, Rows, Sums, dispatch, slabs};
use crate::label::{Label, class};

/// Collects counts, means and scatter of the classes from batches. This is the first of two passes
/// over the features.
///
/// Batches may have any order and size, and collectors of different batches can be
/// [merged](Self::merge). The collector sums, in `f64`, differences to one sample of each class, so
/// precision is kept even if the features are far from the origin (a variant of the update of Chan
/// et al. 1979). Memory is a few classes x features tables, at most sixteen while a large batch is
/// processed in parallel.
///
/// ```
/// use memdil_metrics::FirstPass;
/// use ndarray::array;
///
/// let mut first = FirstPass::new(2, 1)?;
/// first.add(array![[-3.0], [3.0]].view(), &[0, 1], None)?;
/// let mut other = FirstPass::new(2, 1)?;
/// other.add(array![[-1.0], [1.0]].view(), &[0, 1], None)?;
/// first.merge(&other)?;
/// let moments = first.finish()?;
/// assert_eq!(moments.means().means, array![[-2.0], [2.0]]);
/// assert_eq!(moments.nc1_ratio()?, 0.25);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FirstPass {
    classes: usize,
    /// Whether batches include clean labels; determined by the first batch.
    noisy: Option<bool>,
    /// One sample of each class in `seen`.
    origins: Array2<f64>,
    seen: Vec<bool>,
    /// Group $k$: uncorrupted samples with label $k$, or all of them without clean labels. Group
    /// $K + k$: corrupted samples with label $k$.
    sums: Sums,
}

/// Smallest number of rows for a separate thread.
const MIN_SLAB_ROWS: usize = 1024;
/// Maximum number of values in the sums of all slabs: 16 MiB.
const MAX_SLAB_VALUES: usize = 2 << 20;

impl FirstPass {
    /// Creates a collector for a number of classes and features.
    ///
    /// # Errors
    /// A classes x features table of more than 2 GiB.
    pub fn new(classes: usize, dim: usize) -> Result<Self, MetricsError> {
        let numbers = classes.checked_mul(dim.max(1));
        if numbers.is_none_or(|numbers| numbers > 1 << 28) {
            return Err(MetricsError::OutOfRange {
                name: "classes",
                value: classes as f64,
                allowed: "[0, 2^28 / number of features]",
            });
        }
        Ok(Self {
            classes,
            noisy: None,
            origins: Array2::zeros((classes, dim)),
            seen: vec![false; classes],
            sums: Sums::new(classes, dim),
        })
    }

    /// Adds a batch. `labels` are the observed labels. Clean labels must be given for every batch
    /// or for none.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` and `clean_labels` (samples). A batch may be
    /// empty.
    ///
    /// # Errors
    /// Mismatched shapes or lengths, a label outside the classes, clean labels for some batches
    /// only, non-finite features (with the row within the batch), squares outside the range of
    /// `f64`. After an error the collector is unchanged.
    pub fn add<T: Real, L: Label>(
        &mut self,
        features: ArrayView2<'_, T>,
        labels: &[L],
        clean_labels: Option<&[L]>,
    ) -> Result<(), MetricsError> {
        let (rows, dim) = features.dim();
        let own_dim = self.origins.ncols();
        Counted::Columns.check(Subject::Features, dim, Subject::Collector, own_dim)?;
        let reference = (Subject::Features, rows);
        check_labels(labels, clean_labels, reference, self.classes)?;
        let noisy = clean_labels.is_some();
        if self.noisy.is_some_and(|own| own != noisy) {
            return Err(MetricsError::SomeCleanLabels);
        }
        if rows == 0 {
            return Ok(());
        }
        let (origins, seen) = self.origins_with(features, labels);
        let groups = self.classes * (1 + usize::from(noisy));
        let group_of = |row: usize| {
            let corrupted = clean_labels.is_some_and(|clean| clean[row] != labels[row]);
            class(labels[row]) + if corrupted { self.classes } else { 0 }
        };
        let source = Rows::new(features);
        let most = (MAX_SLAB_VALUES / (groups * dim).max(1)).min(16);
        let total = pairwise_sum(&slabs(rows, MIN_SLAB_ROWS, most), &|range| {
            let mut sums = Sums::new(groups, dim);
            dispatch(AddRows {
                rows: source,
                range,
                group_of,
                origins: &origins,
                sums: &mut sums,
            });
            sums
        });
        if !total.squares.iter().all(|value| value.is_finite()) {
            return Err(why_not_finite(features, "the sum of squared"));
        }
        if self.noisy.is_none() {
            self.sums = Sums::new(groups, dim);
        }
        self.noisy = Some(noisy);
        (self.origins, self.seen) = (origins, seen);
        self.sums.add(&total);
        Ok(())
    }

    /// The origins, and the classes that have one, after adding those of classes that first occur
    /// in this batch.
    fn origins_with<T: Real, L: Label>(
        &self,
        features: ArrayView2<'_, T>,
        labels: &[L],
    ) -> (Array2<f64>, Vec<bool>) {
        let (mut origins, mut seen) = (self.origins.clone(), self.seen.clone());
        let mut unseen = seen.iter().filter(|seen| !**seen).count();
        for (row, label) in labels.iter().enumerate() {
            if unseen == 0 {
                break;
            }
            let class = class(*label);
            if !std::mem::replace(&mut seen[class], true) {
                let sample = features.row(row).mapv(Into::into);
                origins.row_mut(class).assign(&sample);
                unseen -= 1;
            }
        }
        (origins, seen)
    }

    /// Adds the batches of another collector.
    ///
    /// # Errors
    /// Different numbers of classes or features, clean labels on one side only.
    pub fn merge(&mut self, other: &Self) -> Result<(), MetricsError> {
        let (theirs, own) = (Subject::OtherCollector, Subject::ThisCollector);
        let (columns, dim) = (other.origins.ncols(), self.origins.ncols());
        Counted::Classes.check(theirs, other.classes, own, self.classes)?;
        Counted::Columns.check(theirs, columns, own, dim)?;
        if other.noisy.is_none() {
            return Ok(());
        }
        if self.noisy.is_none() {
            self.clone_from(other);
            return Ok(());
        }
        if self.noisy != other.noisy {
            return Err(MetricsError::SomeCleanLabels);
        }
        let mut moved = other.sums.clone();
        for group in 0..moved.counts.len() {
            let class = group % self.classes;
            if !other.seen[class] {
                continue;
            }
            if !std::mem::replace(&mut self.seen[class], true) {
                let origin = other.origins.row(class);
                self.origins.row_mut(class).assign(&origin);
            }
            // Replace the origin o' of the other collector: h - o = (h - o') + (o' - o).
            let shift = &other.origins.row(class) - &self.origins.row(class);
            let count = moved.counts[group] as f64;
            let mut offsets = moved.offsets.row_mut(group);
            moved.squares[group] += 2.0 * shift.dot(&offsets) + count * shift.dot(&shift);
            offsets.scaled_add(count, &shift);
        }
        self.sums.add(&moved);
        Ok(())
    }

    /// Ends the pass and returns the moments.
    ///
    /// # Errors
    /// No samples, a class without samples, sums outside the range of `f64`.
    pub fn finish(self) -> Result<Moments, MetricsError> {
        let counts = &self.sums.counts;
        check_samples(Subject::Features, counts.sum())?;
        let classes = self.classes;
        let of_class = |class: usize| counts.iter().skip(class).step_by(classes);
        if let Some(class) = (0..classes).find(|&class| of_class(class).all(|&count| count == 0)) {
            return Err(MetricsError::EmptyClass { class, classes });
        }
        Moments::new(self.origins, &self.sums)
    }

    /// Same as [`finish`](Self::finish), but classes may be empty. The mean of an empty class is set
    /// to a sample of another class, so that it does not extend the range of the features, and must
    /// not be used; the counts of [`Moments::means`] show which classes are empty.
    ///
    /// # Errors
    /// No samples, sums outside the range of `f64`.
    pub fn finish_with_empty_classes(mut self) -> Result<Moments, MetricsError> {
        check_samples(Subject::Features, self.sums.counts.sum())?;
        if let Some(present) = self.seen.iter().position(|&seen| seen) {
            let origin = self.origins.row(present).to_owned();
            for class in (0..self.classes).filter(|&class| !self.seen[class]) {
                self.origins.row_mut(class).assign(&origin);
            }
        }
        Moments::new(self.origins, &self.sums)
    }
}

impl Moments {
    /// Runs the first pass over features in memory or in a memory-mapped file.
    ///
    /// # Errors
    /// Same as [`FirstPass::add`] and [`FirstPass::finish`].
    pub fn of<T: Real, L: Label>(
        features: ArrayView2<'_, T>,
        labels: &[L],
        clean_labels: Option<&[L]>,
        classes: usize,
    ) -> Result<Self, MetricsError> {
        // Check before allocating classes x features tables, because `classes` may be mistyped.
        check_samples(Subject::Features, features.nrows())?;
        check_labels(labels, None, (Subject::Features, features.nrows()), classes)?;
        if let Some(class) = first_empty_class(labels, classes) {
            return Err(MetricsError::EmptyClass { class, classes });
        }
        let mut pass = FirstPass::new(classes, features.ncols())?;
        pass.add(features, labels, clean_labels)?;
        pass.finish()
    }

    /// Same as [`of`](Self::of), but classes may be empty: see
    /// [`FirstPass::finish_with_empty_classes`].
    pub(crate) fn with_empty_classes<T: Real, L: Label>(
        features: ArrayView2<'_, T>,
        labels: &[L],
        clean_labels: Option<&[L]>,
        classes: usize,
    ) -> Result<Self, MetricsError> {
        let reference = (Subject::Features, features.nrows());
        check_samples(Subject::Features, features.nrows())?;
        check_labels(labels, clean_labels, reference, classes)?;
        let mut pass = FirstPass::new(classes, features.ncols())?;
        pass.add(features, labels, clean_labels)?;
        pass.finish_with_empty_classes()
    }
}

/// The sums of all slabs, added pairwise: each sum is added while it is still in the cache, and its
/// memory is then reused.
fn pairwise_sum(slabs: &[Range<usize>], sum: &(impl Fn(Range<usize>) -> Sums + Sync)) -> Sums {
    if let [slab] = slabs {
        return sum(slab.clone());
    }
    let (head, tail) = slabs.split_at(slabs.len() / 2);
    let (mut total, rest) = rayon::join(|| pairwise_sum(head, sum), || pairwise_sum(tail, sum));
    total.add(&rest);
    total
}
