//! The second pass: what needs the class means before it can look at a sample.

mod head;
mod rows;
mod totals;

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use self::head::Head;
use self::rows::{Batch, Work};
pub use self::totals::SecondPassTotals;
use crate::collapse::between_class_directions;
use crate::input::{Label, Real, check_labels, check_length, class, non_finite_row};
use crate::kernels::{BLOCK, Centre, Lines, Projector, slabs};
use crate::{MetricsError, Moments};

/// Collects from batches what [`Moments`] cannot know: NC1, NC4, predictions, memorization.
///
/// Say first what is wanted (`with_...`), then add the batches of the first pass again, in any
/// order. Clones of a pass can work on different batches and be [merged](Self::merge).
///
/// `C` is the arithmetic of the products of features with directions and classifier, which are most
/// of the work: `f32` (for `f32` features only) is twice as fast, `f64` keeps all digits. Residuals
/// are formed from `f64` means, and sums are taken in `f64`, in either case.
///
/// ```
/// use memdil_metrics::{FirstPass, SecondPass};
/// use ndarray::array;
///
/// let batches = [(array![[-3.0], [3.0]], [0, 1]), (array![[-1.0], [1.0]], [0, 1])];
/// let mut first = FirstPass::new(2, 1)?;
/// for (features, labels) in &batches {
///     first.add(features.view(), labels, None)?;
/// }
/// let moments = first.finish()?;
/// let mut second = SecondPass::<f64>::new(&moments).with_nc1()?;
/// for (features, labels) in &batches {
///     second.add(features.view(), labels, None)?;
/// }
/// assert!((second.finish().nc1()? - 0.125).abs() < 1e-12);
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SecondPass<'m, C: Real> {
    moments: &'m Moments,
    /// Shared by clones, new with every quantity that is asked for: what may be merged.
    plan: Arc<()>,
    /// What is subtracted from the features before products are taken.
    centre: Centre<C>,
    /// Unit vectors $q_j$ with $K \Sigma_B = \sum_j \lambda_j q_j q_j^T$; none before they are
    /// asked for.
    directions: Vec<Vec<f64>>,
    /// $1 / \lambda_j$.
    weights: Vec<f64>,
    head: Option<Head>,
    /// Directions, then rows of the classifier.
    projector: Projector<C>,
    /// Centred class means in coordinates of the directions.
    means: Option<Lines<C>>,
    /// Means that corrupted samples are measured from: uncorrupted ones of the same data, and
    /// others.
    own: Option<Array2<f64>>,
    others: Option<Array2<f64>>,
    /// Samples behind each of the other means.
    other_counts: Vec<usize>,
    totals: SecondPassTotals,
}

/// Rows that are worth a thread, and the most ranges that a batch is divided into.
const ROWS_A_SLAB: usize = 8 * BLOCK;
const SLABS: usize = 256;

impl<'m, C: Real> SecondPass<'m, C> {
    /// A pass that collects nothing yet.
    pub fn new(moments: &'m Moments) -> Self {
        Self {
            moments,
            plan: Arc::new(()),
            centre: Centre::new(moments.dim(), moments.mean_parts()),
            directions: Vec::new(),
            weights: Vec::new(),
            head: None,
            projector: Projector::new(&[], moments.dim()),
            means: None,
            own: None,
            others: None,
            other_counts: Vec::new(),
            totals: SecondPassTotals::new(moments.samples()),
        }
    }

    /// Asks for [`nc1`](crate::nc1).
    ///
    /// # Errors
    /// Fewer than two classes, class means that coincide, a batch has been added.
    pub fn with_nc1(mut self) -> Result<Self, MetricsError> {
        self.change_plan()?;
        let (directions, squares) = between_class_directions(&self.moments.centred()?)?;
        self.directions = directions;
        self.weights = squares.into_iter().map(f64::recip).collect();
        self.totals.ask_nc1();
        self.pack();
        Ok(self)
    }

    /// Asks for [`Predictions`](crate::Predictions) of this last layer, and, with
    /// [`with_nc1`](Self::with_nc1), for [`nc4`](crate::nc4).
    ///
    /// # Shapes
    /// `classifier` (classes x features), `bias` (classes).
    ///
    /// # Errors
    /// Shapes that differ, non-finite values, a batch has been added.
    pub fn with_classifier<W: Real>(
        mut self,
        classifier: ArrayView2<'_, W>,
        bias: ArrayView1<'_, W>,
    ) -> Result<Self, MetricsError> {
        self.change_plan()?;
        self.head = Some(Head::new(self.moments, classifier, bias)?);
        self.totals.ask_predictions(self.moments.classes());
        self.pack();
        Ok(self)
    }

    /// Asks for [`memorization`](crate::memorization): the batches of both passes need clean
    /// labels.
    ///
    /// # Errors
    /// The first pass had no clean labels, a batch has been added.
    pub fn with_memorization(mut self) -> Result<Self, MetricsError> {
        self.change_plan()?;
        self.own = Some(self.moments.noise()?.uncorrupted_means.clone());
        self.totals.ask_memorization(self.moments.classes());
        Ok(self)
    }

    /// Asks for [`memorization_test`](crate::memorization_test) around these means: batches need
    /// clean labels.
    ///
    /// # Errors
    /// Shapes that differ, a batch has been added.
    pub fn with_test_means(mut self, test: &Moments) -> Result<Self, MetricsError> {
        self.change_plan()?;
        check_length(
            "test_features",
            "columns",
            test.dim(),
            "features",
            self.moments.dim(),
        )?;
        check_length(
            "the test set",
            "classes",
            test.classes(),
            "the training set",
            self.moments.classes(),
        )?;
        self.others = Some(test.means().means.clone());
        self.other_counts = test.means().counts.clone();
        self.totals.ask_memorization_test(self.moments.classes());
        Ok(self)
    }

    /// Nothing may be asked for once there are batches: it would miss them.
    fn change_plan(&mut self) -> Result<(), MetricsError> {
        if self.totals.noisy().is_some() {
            return Err(MetricsError::AskedLate);
        }
        self.plan = Arc::new(());
        Ok(())
    }

    /// Packs directions and classifier side by side, so that one walk over the features serves
    /// both.
    fn pack(&mut self) {
        let mut vectors = self.directions.clone();
        if let Some(head) = &self.head {
            vectors.extend(head.rows());
        }
        self.projector = Projector::new(&vectors, self.moments.dim());
        if let (Some(head), false) = (&mut self.head, self.directions.is_empty()) {
            self.means = Some(Lines::new(
                &head.means_along(&self.directions),
                self.directions.len(),
            ));
            self.totals.ask_nc4();
        }
    }

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
        let (rows, classes) = (features.nrows(), self.moments.classes());
        check_length(
            "features",
            "columns",
            features.ncols(),
            "the first pass",
            self.moments.dim(),
        )?;
        check_labels("labels", labels, "features", rows, classes)?;
        self.totals.check_noisy(Some(clean_labels.is_some()))?;
        match clean_labels {
            Some(clean) => self.check_clean(labels, clean)?,
            None if self.own.is_some() || self.others.is_some() => {
                return Err(MetricsError::NoCleanLabels);
            }
            None => {}
        }
        if rows == 0 {
            return Ok(());
        }
        let batch = Batch::new(features, labels, clean_labels);
        let ranges = slabs(rows, ROWS_A_SLAB, SLABS);
        let collect = |scratch: &mut Work<T, C>, range| self.collect(&batch, range, scratch);
        let parts: Vec<SecondPassTotals> = ranges
            .into_par_iter()
            .map_init(Work::default, collect)
            .collect();
        let mut totals = self.totals.empty();
        totals.set_noisy(clean_labels.is_some());
        parts.iter().for_each(|part| totals.add(part));
        if !totals.is_finite() {
            return Err(match non_finite_row(features) {
                Some(row) => MetricsError::NonFinite {
                    array: "features",
                    row,
                },
                None => MetricsError::Overflow {
                    quantity: "a product or square of the features",
                },
            });
        }
        self.totals.add(&totals);
        Ok(())
    }

    fn check_clean<L: Label>(&self, labels: &[L], clean: &[L]) -> Result<(), MetricsError> {
        check_labels(
            "clean_labels",
            clean,
            "features",
            labels.len(),
            self.moments.classes(),
        )?;
        // Clean classes of corrupted samples among those that have no mean.
        let lacking = |counts: &[usize]| -> BTreeSet<usize> {
            if !counts.contains(&0) {
                return BTreeSet::new();
            }
            let corrupted = labels
                .iter()
                .zip(clean)
                .filter(|(label, clean)| label != clean);
            let classes = corrupted.map(|(_, clean)| class(*clean));
            classes.filter(|&class| counts[class] == 0).collect()
        };
        if self.own.is_some()
            && let Some(&class) = lacking(&self.moments.noise()?.uncorrupted).first()
        {
            return Err(MetricsError::NoCleanSample { class });
        }
        let classes = lacking(&self.other_counts);
        if classes.is_empty() {
            Ok(())
        } else {
            let classes = classes.into_iter().collect();
            Err(MetricsError::NoTestSample { classes })
        }
    }

    /// Adds what a clone of this pass has collected.
    ///
    /// # Errors
    /// Passes that are not clones of one, clean labels on one side only.
    pub fn merge(&mut self, other: &Self) -> Result<(), MetricsError> {
        if !Arc::ptr_eq(&self.plan, &other.plan) {
            return Err(MetricsError::OtherPass);
        }
        self.totals.check_noisy(other.totals.noisy())?;
        self.totals.add(&other.totals);
        Ok(())
    }

    /// Ends the pass.
    pub fn finish(self) -> SecondPassTotals {
        self.totals
    }
}

/// What a pass over features in memory is to collect.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted<'a, W> {
    pub(crate) nc1: bool,
    pub(crate) head: Option<(ArrayView2<'a, W>, ArrayView1<'a, W>)>,
    pub(crate) memorization: bool,
    pub(crate) test: Option<&'a Moments>,
}

impl<'a, W: Copy> Wanted<'a, W> {
    /// Each part by itself: NC1, predictions, memorization, memorization around test means.
    pub(crate) fn parts(&self) -> [Option<Self>; 4] {
        let none = Self {
            nc1: false,
            head: None,
            memorization: false,
            test: None,
        };
        let (head, test) = (self.head, self.test);
        let [nc1, memorization] = [true; 2];
        [
            self.nc1.then_some(Self { nc1, ..none }),
            head.is_some().then_some(Self { head, ..none }),
            self.memorization.then_some(Self {
                memorization,
                ..none
            }),
            test.is_some().then_some(Self { test, ..none }),
        ]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts().iter().all(Option::is_none)
    }
}

/// Products (samples x features x vectors) up to which `f32` features are projected in `f64`: a few
/// milliseconds.
const SMALL: usize = 1 << 25;

/// The second pass over features in memory, in the arithmetic that suits them.
pub(crate) fn in_memory<T: Real, W: Real, L: Label>(
    moments: &Moments,
    (features, labels, clean_labels): (ArrayView2<'_, T>, &[L], Option<&[L]>),
    wanted: Wanted<'_, W>,
) -> Result<SecondPassTotals, MetricsError> {
    if features.len().saturating_mul(moments.classes()) <= SMALL {
        collect::<T, f64, W, L>(moments, (features, labels, clean_labels), wanted)
    } else {
        collect::<T, T, W, L>(moments, (features, labels, clean_labels), wanted)
    }
}

fn collect<T: Real + Into<C>, C: Real, W: Real, L: Label>(
    moments: &Moments,
    (features, labels, clean_labels): (ArrayView2<'_, T>, &[L], Option<&[L]>),
    wanted: Wanted<'_, W>,
) -> Result<SecondPassTotals, MetricsError> {
    let mut pass = SecondPass::<C>::new(moments);
    if wanted.nc1 {
        pass = pass.with_nc1()?;
    }
    if let Some((classifier, bias)) = wanted.head {
        pass = pass.with_classifier(classifier, bias)?;
    }
    if wanted.memorization {
        pass = pass.with_memorization()?;
    }
    if let Some(test) = wanted.test {
        pass = pass.with_test_means(test)?;
    }
    pass.add(features, labels, clean_labels)?;
    Ok(pass.finish())
}
