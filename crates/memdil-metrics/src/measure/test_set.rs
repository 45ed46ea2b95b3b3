//! Metrics of unseen samples.

use super::builder::Measure;
use super::explain::explain_test;
use super::metrics::TestMetrics;
use super::predictions::{add_calibration, test_predictions};
use super::second::Second;
use super::undefined::Undefined;
use crate::error::MetricsError;
use crate::kernels::Real;
use crate::label::Label;
use crate::passes::{Moments, Wanted};
use crate::spread::rho_nc1;

/// Means and scatter of the test classes, some of which may be empty.
pub(super) fn test_moments<T: Real, W: Real, L: Label>(
    inputs: &Measure<'_, T, W, L>,
) -> Result<Option<Moments>, MetricsError> {
    let Some((features, labels)) = inputs.test_features.zip(inputs.test_labels) else {
        return Ok(None);
    };
    let moments = Moments::with_empty_classes(features, labels, None, inputs.classes);
    moments
        .map(Some)
        .map_err(|error| explain_test(error, labels, inputs.classes))
}

/// All metrics of the test set; `None` if no test set is given.
pub(super) fn measure_test<T: Real, W: Real, L: Label>(
    inputs: &Measure<'_, T, W, L>,
    moments: Option<&Moments>,
    train: &Second,
    undefined: &mut Undefined,
) -> Result<Option<TestMetrics>, MetricsError> {
    let Some(labels) = inputs.test_labels else {
        return Ok(None);
    };
    let mut metrics = TestMetrics {
        samples: Some(labels.len()),
        ..TestMetrics::default()
    };
    let head = inputs.head();
    let second = match (inputs.test_features, moments) {
        (Some(features), Some(moments)) => {
            let wanted = Wanted {
                nc1: moments.empty_classes().is_empty(),
                head,
                ..Wanted::default()
            };
            let second = Second::collect(moments, (features, labels, None), wanted)
                .map_err(MetricsError::in_test_set)?;
            add_test_geometry(&mut metrics, moments, &second, undefined)?;
            Some(second)
        }
        _ => None,
    };
    match (&second, head, inputs.test_logits) {
        (Some(second), Some(_), _) => {
            add_calibration(&mut metrics, second.predictions(), undefined)?;
        }
        (.., Some(logits)) => {
            let found = test_predictions(logits, labels, inputs.classes)?;
            add_calibration(&mut metrics, Ok(&found), undefined)?;
        }
        _ => {}
    }
    if second.is_some() && inputs.clean_labels.is_some() {
        // Distances of corrupted training samples from the test means.
        let found = train.memorization_test();
        let found = undefined.memorization("test.memorization_test", found)?;
        if let Some(memorization) = found {
            metrics.memorization_test_sum = Some(memorization.sum);
            metrics.memorization_test_mean = memorization.mean;
            metrics.memorization_test_per_class = Some(memorization.per_class);
        }
    }
    Ok(Some(metrics))
}

/// Adds the metrics of the means and the scatter of the test classes.
fn add_test_geometry(
    metrics: &mut TestMetrics,
    moments: &Moments,
    second: &Second,
    undefined: &mut Undefined,
) -> Result<(), MetricsError> {
    metrics.radius = undefined.keep("test.radius", moments.radius())?;
    let classes = moments.empty_classes();
    let found = if classes.is_empty() {
        [
            second.nc1(),
            moments.rho(),
            moments.separation(),
            moments.nc1_ratio(),
            moments.cdnv(),
        ]
    } else {
        // All of these require the means of all classes.
        [(); 5].map(|()| {
            let classes = classes.clone();
            Err(MetricsError::NoTestSample { classes })
        })
    };
    let [dilation, rho, separation, nc1_ratio, cdnv] = found;
    if moments.classes() == 2 {
        let found = dilation.clone().and_then(|d| rho_nc1(d, moments.dim()));
        metrics.rho_nc1 = undefined.keep("test.rho_nc1", found)?;
    }
    metrics.dilation = undefined.keep("test.dilation", dilation)?;
    metrics.rho = undefined.keep("test.rho", rho)?;
    metrics.separation = undefined.keep("test.separation", separation)?;
    metrics.nc1_ratio = undefined.keep("test.nc1_ratio", nc1_ratio)?;
    metrics.cdnv = undefined.keep("test.cdnv", cdnv)?;
    Ok(())
}
