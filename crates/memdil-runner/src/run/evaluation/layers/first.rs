//! The first pass over the outputs of a layer: class means.

use memdil_metrics::{FirstPass, MetricsError, Moments, separation};
use ndarray::{ArrayView2, Axis, CowArray, Ix2};

use super::chunks::{ChunkLabels, Classes, TrainLabels};

/// Sums over the samples of a layer. The first error of a sum makes its metrics undefined, and the
/// other sums are not affected.
pub(super) struct FirstPasses {
    given: Sum,
    clean: Sum,
    uncorrupted: Sum,
    test: Sum,
}

type Sum = Result<FirstPass, MetricsError>;

/// The class means of a layer, or the reasons why they are not defined.
pub(super) struct LayerMeans {
    /// Of the training samples, by given label, including latent labels.
    pub(super) given: Result<Moments, MetricsError>,
    /// Of the training samples with their clean labels. Classes may be empty.
    pub(super) clean: Result<Moments, MetricsError>,
    /// Of the uncorrupted training samples.
    pub(super) uncorrupted: Result<Moments, MetricsError>,
    /// The mean distance between these.
    pub(super) separation: Result<f64, MetricsError>,
    /// Of the test samples.
    pub(super) test: Result<Moments, MetricsError>,
}

impl FirstPasses {
    pub(super) fn new(width: usize, classes: Classes) -> Result<Self, MetricsError> {
        Ok(Self {
            given: Ok(FirstPass::new(classes.given, width)?),
            clean: Ok(FirstPass::new(classes.true_classes, width)?),
            uncorrupted: Ok(FirstPass::new(classes.true_classes, width)?),
            test: Ok(FirstPass::new(classes.true_classes, width)?),
        })
    }

    pub(super) fn add(&mut self, features: ArrayView2<'_, f32>, labels: &ChunkLabels) {
        match labels {
            ChunkLabels::Train(train) => {
                add(&mut self.given, |pass| {
                    pass.add(features, &train.given, None)
                });
                let kept = train.kept_rows(features);
                add(&mut self.clean, |pass| {
                    pass.add(kept.view(), &train.given_true, Some(&train.clean))
                });
                let (rows, labels) = &train.uncorrupted;
                let features = features.select(Axis(0), rows);
                add(&mut self.uncorrupted, |pass| {
                    pass.add(features.view(), labels, None)
                });
            }
            ChunkLabels::Test(test) => add(&mut self.test, |pass| pass.add(features, test, None)),
        }
    }

    pub(super) fn finish(self) -> LayerMeans {
        let uncorrupted = self.uncorrupted.and_then(FirstPass::finish);
        let uncorrupted = uncorrupted.map_err(|error| match error {
            MetricsError::EmptyClass { class, .. } => MetricsError::NoCleanSample { class },
            other => other,
        });
        let separation = match &uncorrupted {
            Ok(moments) => separation(moments.means().means.view()),
            Err(error) => Err(error.clone()),
        };
        LayerMeans {
            given: self.given.and_then(FirstPass::finish),
            clean: self.clean.and_then(FirstPass::finish_with_empty_classes),
            uncorrupted,
            separation,
            test: self.test.and_then(FirstPass::finish),
        }
    }
}

/// Adds to a sum, which becomes the error if that fails.
pub(super) fn add<T>(
    sum: &mut Result<T, MetricsError>,
    add: impl FnOnce(&mut T) -> Result<(), MetricsError>,
) {
    if let Ok(collected) = sum
        && let Err(error) = add(collected)
    {
        *sum = Err(error);
    }
}

impl TrainLabels {
    /// The features of the samples that are compared with their clean labels.
    pub(super) fn kept_rows<'f>(&self, features: ArrayView2<'f, f32>) -> CowArray<'f, f32, Ix2> {
        match &self.kept {
            None => features.into(),
            Some(rows) => features.select(Axis(0), rows).into(),
        }
    }
}
