//! The first pass: where the classes lie and how far they spread.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use crate::input::{Label, Real, check_labels, check_length, class, non_finite_row};
use crate::kernels::{Rows, Sums, add_rows, slabs};
use crate::{MetricsError, Moments};

/// Collects counts, means and scatter of classes from batches: the first of the two passes over the
/// features.
///
/// Batches may come in any order and any size, and collectors of different batches can be
/// [merged](Self::merge). Sums are taken in `f64` of differences to one sample of each class, so
/// that digits are kept however far the features lie from the origin (the update of Chan et al.
/// 1979 in another form). Memory is a few tables of classes by features, at most sixteen while a
/// large batch is worked on in parallel.
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
    /// Whether clean labels come with the batches; the first batch decides.
    noisy: Option<bool>,
    /// One sample of each class that was seen.
    origins: Array2<f64>,
    seen: Vec<bool>,
    /// Groups: class $k$ with the label it was born with (or all of class $k$), then class $k$ with
    /// a corrupted label.
    sums: Sums,
}

/// Rows that are worth a thread.
const ROWS_A_SLAB: usize = 1024;
/// Numbers in the sums of all slabs together: 16 MiB.
const SLAB_NUMBERS: usize = 2 << 20;

impl FirstPass {
    /// A collector for this many classes and features.
    ///
    /// # Errors
    /// Tables of classes by features of more than 2 GiB.
    pub fn new(classes: usize, dim: usize) -> Result<Self, MetricsError> {
        if classes
            .checked_mul(dim.max(1))
            .is_none_or(|numbers| numbers > 1 << 28)
        {
            let allowed = "1 to 2^28 divided by the number of features";
            return Err(MetricsError::OutOfRange {
                name: "classes",
                value: classes as f64,
                allowed,
            });
        }
        let (origins, seen) = (Array2::zeros((classes, dim)), vec![false; classes]);
        Ok(Self {
            classes,
            noisy: None,
            origins,
            seen,
            sums: Sums::new(classes, dim),
        })
    }

    /// Adds a batch. Where clean labels are given they must come with every batch; `labels` are the
    /// observed ones.
    ///
    /// # Shapes
    /// `features` (samples x features), `labels` and `clean_labels` (samples). A batch may be
    /// empty.
    ///
    /// # Errors
    /// Shapes or lengths that differ, a label outside the classes, clean labels in some batches
    /// only, non-finite features (the row counts within the batch), squares beyond the range of
    /// `f64`. After an error the collector is as it was.
    pub fn add<T: Real, L: Label>(
        &mut self,
        features: ArrayView2<'_, T>,
        labels: &[L],
        clean_labels: Option<&[L]>,
    ) -> Result<(), MetricsError> {
        let (rows, dim) = features.dim();
        check_length(
            "features",
            "columns",
            dim,
            "the collector",
            self.origins.ncols(),
        )?;
        check_labels("labels", labels, "features", rows, self.classes)?;
        if let Some(clean) = clean_labels {
            check_labels("clean_labels", clean, "features", rows, self.classes)?;
        }
        if self
            .noisy
            .is_some_and(|noisy| noisy != clean_labels.is_some())
        {
            return Err(MetricsError::SomeCleanLabels);
        }
        if rows == 0 {
            return Ok(());
        }
        let mut origins = self.origins.clone();
        let mut seen = self.seen.clone();
        let mut unseen = seen.iter().filter(|seen| !**seen).count();
        for (row, label) in labels.iter().enumerate() {
            if unseen == 0 {
                break;
            }
            let class = class(*label);
            if !std::mem::replace(&mut seen[class], true) {
                origins
                    .row_mut(class)
                    .zip_mut_with(&features.row(row), |origin, &value| *origin = value.into());
                unseen -= 1;
            }
        }

        let groups = if clean_labels.is_some() {
            2 * self.classes
        } else {
            self.classes
        };
        let group_of = |row: usize| {
            let corrupted = clean_labels.is_some_and(|clean| clean[row] != labels[row]);
            class(labels[row]) + if corrupted { self.classes } else { 0 }
        };
        let source = Rows::new(features);
        let slabs = slabs(
            rows,
            ROWS_A_SLAB,
            (SLAB_NUMBERS / (groups * dim).max(1)).min(16),
        );
        let total = in_halves(&slabs, &|range| {
            let mut sums = Sums::new(groups, dim);
            add_rows(source, range, group_of, &origins, &mut sums);
            sums
        });
        if !total.squares.iter().all(|value| value.is_finite()) {
            return Err(match non_finite_row(features) {
                Some(row) => MetricsError::NonFinite {
                    array: "features",
                    row,
                },
                None => MetricsError::Overflow {
                    quantity: "the sum of squared features",
                },
            });
        }
        if self.noisy.is_none() {
            self.sums = Sums::new(groups, dim);
        }
        self.noisy = Some(clean_labels.is_some());
        (self.origins, self.seen) = (origins, seen);
        self.sums.add(&total);
        Ok(())
    }

    /// Adds what another collector has seen.
    ///
    /// # Errors
    /// Numbers of classes or features that differ, clean labels on one side only.
    pub fn merge(&mut self, other: &Self) -> Result<(), MetricsError> {
        check_length(
            "the other collector",
            "classes",
            other.classes,
            "this one",
            self.classes,
        )?;
        check_length(
            "the other collector",
            "columns",
            other.origins.ncols(),
            "this one",
            self.origins.ncols(),
        )?;
        match (self.noisy, other.noisy) {
            (_, None) => return Ok(()),
            (None, Some(_)) => {
                *self = other.clone();
                return Ok(());
            }
            (Some(own), Some(others)) if own != others => {
                return Err(MetricsError::SomeCleanLabels);
            }
            _ => {}
        }
        let mut moved = other.sums.clone();
        for group in 0..moved.counts.len() {
            let class = group % self.classes;
            if !other.seen[class] {
                continue;
            }
            if !std::mem::replace(&mut self.seen[class], true) {
                self.origins
                    .row_mut(class)
                    .assign(&other.origins.row(class));
            }
            // Differences to the other origin o' become differences to ours: h - o = (h - o') + (o'
            // - o).
            let shift = &other.origins.row(class) - &self.origins.row(class);
            let count = moved.counts[group] as f64;
            let mut offsets = moved.offsets.row_mut(group);
            moved.squares[group] += 2.0 * shift.dot(&offsets) + count * shift.dot(&shift);
            offsets.scaled_add(count, &shift);
        }
        self.sums.add(&moved);
        Ok(())
    }

    /// Ends the pass.
    ///
    /// # Errors
    /// No samples, a class without samples, sums beyond the range of `f64`.
    pub fn finish(self) -> Result<Moments, MetricsError> {
        if self.noisy.is_none() || self.sums.counts.iter().all(|&count| count == 0) {
            return Err(MetricsError::NoSamples { array: "features" });
        }
        let mut counts = vec![0; self.classes];
        self.sums
            .counts
            .iter()
            .enumerate()
            .for_each(|(group, count)| counts[group % self.classes] += count);
        if let Some(class) = counts.iter().position(|&count| count == 0) {
            return Err(MetricsError::EmptyClass {
                class,
                classes: self.classes,
            });
        }
        Moments::new(self.origins, &self.sums)
    }

    /// Ends a pass in which classes may be empty. Their means are those of another class's sample,
    /// so that they do not widen the range of the features, and must not be used.
    pub(crate) fn finish_with_gaps(mut self) -> Result<Moments, MetricsError> {
        if let Some(present) = self.seen.iter().position(|&seen| seen) {
            let origin = self.origins.row(present).to_owned();
            for class in (0..self.classes).filter(|&class| !self.seen[class]) {
                self.origins.row_mut(class).assign(&origin);
            }
        }
        Moments::new(self.origins, &self.sums)
    }
}

/// The sums of all slabs, added half to half: each is added while it is still near, and its memory
/// used again.
fn in_halves(slabs: &[Range<usize>], sum: &(impl Fn(Range<usize>) -> Sums + Sync)) -> Sums {
    if let [slab] = slabs {
        return sum(slab.clone());
    }
    let (head, tail) = slabs.split_at(slabs.len() / 2);
    let (mut total, rest) = rayon::join(|| in_halves(head, sum), || in_halves(tail, sum));
    total.add(&rest);
    total
}
