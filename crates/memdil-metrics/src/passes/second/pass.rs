//! The second pass: requested quantities, and the vectors that they require.

use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::head::Head;
use super::totals::{Distances, SecondPassTotals};
use crate::error::{Counted, MetricsError, Subject};
use crate::geometry::between_class_directions;
use crate::kernels::{Centre, Lines, Projector, Real};
use crate::passes::moments::Moments;
use crate::passes::predictions::Predictions;

/// Collects quantities that [`Moments`] do not determine: NC1, NC4, predictions and memorization.
///
/// First request quantities with the `with_...` methods, then add the batches of the first pass
/// again, in any order. Clones of a pass can process different batches and then be
/// [merged](Self::merge).
///
/// `C` is the type for products of features with directions and classifier rows, which are most of
/// the work: `f32` (for `f32` features only) is twice as fast, `f64` is more precise. In both
/// cases, residuals are formed from `f64` means, and sums are computed in `f64`.
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
    pub(super) moments: &'m Moments,
    /// Identifies the requested quantities: clones share it, and each request replaces it. Passes
    /// with the same plan can be merged.
    plan: Arc<()>,
    /// The class means, which are subtracted from the features before the products.
    pub(super) centre: Centre<C>,
    /// Unit vectors $q_j$ with $K \Sigma_B = \sum_j \lambda_j q_j q_j^T$; empty unless NC1 is
    /// requested.
    pub(super) directions: Vec<Vec<f64>>,
    /// $1 / \lambda_j$.
    pub(super) weights: Vec<f64>,
    pub(super) head: Option<Head>,
    /// Directions, followed by the rows of the classifier.
    pub(super) projector: Projector<C>,
    /// Centred class means in the coordinates of the directions.
    pub(super) means: Option<Lines<C>>,
    /// Reference means for corrupted samples: those of uncorrupted samples, and those of a test
    /// set.
    pub(super) references: [Option<ReferenceMeans>; 2],
    pub(super) totals: SecondPassTotals,
}

/// Class means and the number of samples of each class.
#[derive(Clone, Debug)]
pub(super) struct ReferenceMeans {
    pub(super) means: Array2<f64>,
    pub(super) counts: Vec<usize>,
}

impl<'m, C: Real> SecondPass<'m, C> {
    /// Creates a pass without requested quantities.
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
            references: [None, None],
            totals: SecondPassTotals {
                expected: moments.samples(),
                ..SecondPassTotals::default()
            },
        }
    }

    /// Requests [`nc1`](crate::nc1).
    ///
    /// # Errors
    /// Fewer than two classes, class means that coincide, a batch that was already added.
    pub fn with_nc1(mut self) -> Result<Self, MetricsError> {
        self.change_plan()?;
        let (directions, squares) = between_class_directions(&self.moments.centred()?)?;
        self.directions = directions;
        self.weights = squares.into_iter().map(f64::recip).collect();
        self.totals.nc1 = Some(0.0);
        self.pack();
        Ok(self)
    }

    /// Requests the [`Predictions`](crate::Predictions) of this last layer and, if
    /// [`with_nc1`](Self::with_nc1) is also called, [`nc4`](crate::nc4).
    ///
    /// # Shapes
    /// `classifier` (classes x features), `bias` (classes).
    ///
    /// # Errors
    /// Mismatched shapes, non-finite values, a batch that was already added.
    pub fn with_classifier<W: Real>(
        mut self,
        classifier: ArrayView2<'_, W>,
        bias: ArrayView1<'_, W>,
    ) -> Result<Self, MetricsError> {
        self.change_plan()?;
        self.head = Some(Head::new(self.moments, classifier, bias)?);
        self.totals.predictions = Some(Predictions::new(self.moments.classes()));
        self.pack();
        Ok(self)
    }

    /// Requests [`memorization`](crate::memorization). The batches of both passes must include
    /// clean labels.
    ///
    /// # Errors
    /// The first pass had no clean labels, a batch was already added.
    pub fn with_memorization(mut self) -> Result<Self, MetricsError> {
        self.change_plan()?;
        let noise = self.moments.noise()?;
        let (means, counts) = (noise.uncorrupted_means.clone(), noise.uncorrupted.clone());
        self.references[0] = Some(ReferenceMeans { means, counts });
        self.totals.distances[0] = Some(Distances::new(self.moments.classes()));
        Ok(self)
    }

    /// Requests [`memorization_test`](crate::memorization_test) with the class means of this test
    /// set. Batches must include clean labels.
    ///
    /// # Errors
    /// Mismatched shapes, a batch that was already added.
    pub fn with_test_means(mut self, test: &Moments) -> Result<Self, MetricsError> {
        self.change_plan()?;
        let (dim, classes) = (self.moments.dim(), self.moments.classes());
        Counted::Columns.check(Subject::TestFeatures, test.dim(), Subject::Features, dim)?;
        let (theirs, own) = (Subject::TestSet, Subject::TrainingSet);
        Counted::Classes.check(theirs, test.classes(), own, classes)?;
        let (means, counts) = (test.means().means.clone(), test.means().counts.clone());
        self.references[1] = Some(ReferenceMeans { means, counts });
        self.totals.distances[1] = Some(Distances::new(classes));
        Ok(self)
    }

    /// Returns an error if a batch was already added, because the request would miss it.
    fn change_plan(&mut self) -> Result<(), MetricsError> {
        if self.totals.noisy.is_some() {
            return Err(MetricsError::AskedLate);
        }
        self.plan = Arc::new(());
        Ok(())
    }

    /// Packs directions and classifier rows side by side, so that a single product computes both.
    fn pack(&mut self) {
        let mut vectors = self.directions.clone();
        if let Some(head) = &self.head {
            vectors.extend_from_slice(&head.classifier);
        }
        self.projector = Projector::new(&vectors, self.moments.dim());
        if let (Some(head), false) = (&mut self.head, self.directions.is_empty()) {
            let means = head.means_along(&self.directions);
            self.means = Some(Lines::new(&means, self.directions.len()));
            self.totals.agreeing = Some(0);
        }
    }

    /// Adds the batches of a clone of this pass.
    ///
    /// # Errors
    /// Passes that are not clones of the same pass, clean labels on one side only.
    pub fn merge(&mut self, other: &Self) -> Result<(), MetricsError> {
        if !Arc::ptr_eq(&self.plan, &other.plan) {
            return Err(MetricsError::OtherPass);
        }
        self.totals.check_noisy(other.totals.noisy)?;
        self.totals.add(&other.totals);
        Ok(())
    }

    /// Ends the pass and returns the totals.
    pub fn finish(self) -> SecondPassTotals {
        self.totals
    }
}
