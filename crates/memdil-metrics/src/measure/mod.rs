//! All metrics at once, in two passes over the features.

mod inputs;
mod logits;
mod metrics;
mod second;
mod undefined;

use ndarray::ArrayView2;

pub use self::inputs::Inputs;
pub use self::logits::measure_logits;
pub use self::metrics::{Metrics, TestMetrics};
use self::second::Second;
use self::undefined::Undefined;
use crate::accuracy::predictions;
use crate::input::{Label, Real, check_length, check_samples, check_two_classes};
use crate::labels::{SharedClasses, check_class_numbers, check_label_range};
use crate::probabilities::check_logits;
use crate::second_pass::Wanted;
use crate::{
    MetricsError, Moments, OccurringLabels, Predictions, nc2_equinorm_w, nc2_etf, rho_nc1,
};

/// Measures all that the inputs allow: two passes over the features, and two over those of the test
/// set.
///
/// A metric that these inputs leave undefined is missing, [`Metrics::undefined`] says why, and the
/// others have their values: class means that coincide (dead features), a class without test
/// samples, a class with corrupted samples but no uncorrupted one, an angle to a class mean of
/// length zero, a value beyond the range of `f64`.
///
/// Accuracy, calibration and the shares of memorised labels come from classifier and bias; where
/// one of these is missing, from the logits given.
///
/// # Errors
/// Inputs that cannot be used: fewer than two classes, no samples, shapes or lengths that differ, a
/// label outside the classes, a class without training samples (the message says which class
/// numbers occur and how to renumber them), values that are not finite, features whose squares
/// leave the range of `f64`, probabilities in the place of logits (every row lies in $[0, 1]$ and
/// sums to 1).
///
/// # Examples
/// ```
/// use memdil_metrics::{Inputs, measure};
/// use ndarray::array;
///
/// let features = array![[-3.0_f32, 5.0], [-1.0, -5.0], [1.0, 5.0], [3.0, -5.0]];
/// let classifier = array![[-1.0_f32, 0.0], [1.0, 0.0]];
/// let inputs = Inputs::new(features.view(), &[0, 0, 1, 1], 2).classifier(classifier.view());
/// let found = measure(&inputs)?;
/// assert!((found.nc1.expect("features and labels give it") - 0.125).abs() < 1e-12);
/// assert_eq!((found.nc2_etf.is_some(), found.nc4, found.test), (true, None, None));
/// # Ok::<(), memdil_metrics::MetricsError>(())
/// ```
pub fn measure<T: Real, W: Real, L: Label>(
    inputs: &Inputs<'_, T, W, L>,
) -> Result<Metrics, MetricsError> {
    let Inputs {
        features,
        labels,
        classes,
        clean_labels,
        ..
    } = *inputs;
    check_two_classes(classes)?;
    check_samples("features", features.nrows())?;
    inputs.check()?;
    let moments = Moments::of(features, labels, clean_labels, classes)
        .map_err(|error| explain(error, inputs))?;
    let test_moments = test_moments(inputs)?;
    let noisy = clean_labels.is_some();
    let wanted = Wanted {
        nc1: true,
        head: inputs.head(),
        memorization: noisy,
        test: test_moments.as_ref().filter(|_| noisy),
    };
    let second = Second::collect(&moments, (features, labels, clean_labels), wanted)?;

    let mut undefined = Undefined::default();
    let mut metrics = Metrics {
        samples: Some(features.nrows()),
        dim: Some(features.ncols()),
        classes: Some(classes),
        nc1: undefined.keep("nc1", second.nc1())?,
        ..Metrics::default()
    };
    add_geometry(&mut metrics, inputs, &moments, &mut undefined)?;
    if inputs.head().is_some() {
        metrics.nc4 = undefined.keep("nc4", second.nc4())?;
        add_predictions(&mut metrics, second.predictions(), noisy, &mut undefined)?;
    } else if let Some(logits) = inputs.logits {
        check_logits("logits", logits)?;
        let found = from_logits(logits, labels, clean_labels, classes)?;
        add_predictions(&mut metrics, Ok(&found), noisy, &mut undefined)?;
    }
    if noisy {
        add_memorization(&mut metrics, &moments, &second, &mut undefined)?;
    }
    metrics.test = measure_test(inputs, test_moments.as_ref(), &second, &mut undefined)?;
    metrics.undefined = undefined.into_map();
    Ok(metrics)
}

/// What follows from the class means, and the last layer beside them.
fn add_geometry<T: Real, W: Real, L: Label>(
    metrics: &mut Metrics,
    inputs: &Inputs<'_, T, W, L>,
    moments: &Moments,
    undefined: &mut Undefined,
) -> Result<(), MetricsError> {
    metrics.nc1_ratio = undefined.keep("nc1_ratio", moments.nc1_ratio())?;
    metrics.cdnv = undefined.keep("cdnv", moments.cdnv())?;
    metrics.nc2_etf_means = undefined.keep("nc2_etf_means", moments.nc2_etf_means())?;
    metrics.nc2_equinorm = undefined.keep("nc2_equinorm", moments.nc2_equinorm())?;
    metrics.nc2_equiangle = undefined.keep("nc2_equiangle", moments.nc2_equiangle())?;
    metrics.nc2_orthogonal = undefined.keep("nc2_orthogonal", moments.nc2_orthogonal())?;
    metrics.hyperspherical_energy =
        undefined.keep("hyperspherical_energy", moments.hyperspherical_energy())?;
    if let Some(classifier) = inputs.classifier {
        metrics.nc2_etf = undefined.keep("nc2_etf", nc2_etf(classifier))?;
        metrics.nc2_equinorm_w = undefined.keep("nc2_equinorm_w", nc2_equinorm_w(classifier))?;
        metrics.nc3 = undefined.keep("nc3", moments.nc3(classifier))?;
        metrics.nc3_dual = undefined.keep("nc3_dual", moments.nc3_dual(classifier))?;
    }
    if let Some((classifier, bias)) = inputs.head() {
        let found = moments.bias_collapse(classifier, bias);
        metrics.bias_collapse = undefined.keep("bias_collapse", found)?;
    }
    Ok(())
}

/// Accuracy, calibration, and what corrupted samples are predicted as.
fn add_predictions(
    metrics: &mut Metrics,
    predictions: Result<&Predictions, MetricsError>,
    noisy: bool,
    undefined: &mut Undefined,
) -> Result<(), MetricsError> {
    [
        metrics.accuracy,
        metrics.ece,
        metrics.adaptive_ece,
        metrics.brier,
        metrics.nll,
    ] = undefined.calibration("", predictions.clone())?;
    if !noisy {
        return Ok(());
    }
    let names = [
        "memorized_as_given",
        "memorized_as_clean",
        "memorized_as_other",
    ];
    let shares = predictions.map(Predictions::memorized_fraction);
    if let Some(shares) = undefined.keep_for(&names, shares)?.flatten() {
        metrics.memorized_as_given = Some(shares.as_given);
        metrics.memorized_as_clean = Some(shares.as_clean);
        metrics.memorized_as_other = Some(shares.as_other);
    }
    Ok(())
}

/// How far corrupted samples have moved.
fn add_memorization(
    metrics: &mut Metrics,
    moments: &Moments,
    second: &Second,
    undefined: &mut Undefined,
) -> Result<(), MetricsError> {
    let names = [
        "memorization_sum",
        "memorization_mean",
        "memorization_per_class",
    ];
    if let Some(memorization) = undefined.keep_for(&names, second.memorization())? {
        metrics.memorization_sum = Some(memorization.sum);
        metrics.memorization_mean = memorization.mean;
        metrics.memorization_per_class = Some(memorization.per_class);
    }
    let table = undefined.keep("corruption_bias", moments.corruption_bias())?;
    metrics.corruption_bias =
        table.map(|table| table.rows().into_iter().map(|row| row.to_vec()).collect());
    Ok(())
}

/// Means and scatter of the test classes, some of which may be absent.
fn test_moments<T: Real, W: Real, L: Label>(
    inputs: &Inputs<'_, T, W, L>,
) -> Result<Option<Moments>, MetricsError> {
    let Some((features, labels)) = inputs.test_features.zip(inputs.test_labels) else {
        return Ok(None);
    };
    let moments = Moments::of_present(features, labels, inputs.classes);
    moments
        .map(Some)
        .map_err(|error| explain_test(error, labels, inputs.classes))
}

/// All of the test set; `None` where none is given.
fn measure_test<T: Real, W: Real, L: Label>(
    inputs: &Inputs<'_, T, W, L>,
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
                nc1: moments.absent().is_empty(),
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
    let logits = inputs.test_logits;
    let predictions = match (&second, head, logits) {
        (Some(second), Some(_), _) => Some(undefined.calibration("test.", second.predictions())?),
        (.., Some(logits)) => {
            let found = test_predictions(logits, labels, inputs.classes)?;
            Some(undefined.calibration("test.", Ok(&found))?)
        }
        _ => None,
    };
    if let Some(predictions) = predictions {
        [
            metrics.accuracy,
            metrics.ece,
            metrics.adaptive_ece,
            metrics.brier,
            metrics.nll,
        ] = predictions;
    }
    if second.is_some() && inputs.clean_labels.is_some() {
        add_test_memorization(&mut metrics, train, undefined)?;
    }
    Ok(Some(metrics))
}

/// What follows from the means of the test classes.
fn add_test_geometry(
    metrics: &mut TestMetrics,
    moments: &Moments,
    second: &Second,
    undefined: &mut Undefined,
) -> Result<(), MetricsError> {
    metrics.radius = undefined.keep("test.radius", moments.radius())?;
    let classes = moments.absent();
    let found = if classes.is_empty() {
        [
            second.nc1(),
            moments.rho(),
            moments.separation(),
            moments.nc1_ratio(),
            moments.cdnv(),
        ]
    } else {
        // Each of these compares the means of all classes.
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

/// How far corrupted training samples lie from the test means.
fn add_test_memorization(
    metrics: &mut TestMetrics,
    train: &Second,
    undefined: &mut Undefined,
) -> Result<(), MetricsError> {
    let names = [
        "test.memorization_test_sum",
        "test.memorization_test_mean",
        "test.memorization_test_per_class",
    ];
    if let Some(memorization) = undefined.keep_for(&names, train.memorization_test())? {
        metrics.memorization_test_sum = Some(memorization.sum);
        metrics.memorization_test_mean = memorization.mean;
        metrics.memorization_test_per_class = Some(memorization.per_class);
    }
    Ok(())
}

/// Predictions of given logits of the test set.
fn test_predictions<W: Real, L: Label>(
    logits: ArrayView2<'_, W>,
    labels: &[L],
    classes: usize,
) -> Result<Predictions, MetricsError> {
    check_samples("test_logits", logits.nrows())?;
    check_logits("test_logits", logits)?;
    from_logits(logits, labels, None, classes).map_err(|error| explain_test(error, labels, classes))
}

/// Predictions of given logits.
fn from_logits<W: Real, L: Label>(
    logits: ArrayView2<'_, W>,
    labels: &[L],
    clean_labels: Option<&[L]>,
    classes: usize,
) -> Result<Predictions, MetricsError> {
    let columns = logits.ncols();
    check_length(
        "logits",
        "columns",
        columns,
        "the number of classes",
        classes,
    )?;
    predictions(logits, labels, clean_labels)
}

/// Says of labels that cannot be used which ones occur, and what to do.
fn explain<T, W, L: Label>(error: MetricsError, inputs: &Inputs<'_, T, W, L>) -> MetricsError {
    let (labels, classes) = (inputs.labels, inputs.classes);
    let [clean, test] = [inputs.clean_labels, inputs.test_labels].map(Option::unwrap_or_default);
    let shared = if inputs.classifier.is_some() || inputs.logits.is_some() {
        SharedClasses::LastLayer
    } else if inputs.clean_labels.is_some() || inputs.test_labels.is_some() {
        SharedClasses::Labels
    } else {
        SharedClasses::Nowhere
    };
    match &error {
        MetricsError::EmptyClass { .. } => {
            let found = check_class_numbers("labels", labels, classes, shared);
            // Classes beyond those trained on may come from other labels that begin at 1, say.
            let trained = OccurringLabels::of(labels, classes, shared).counts.len();
            let whole = check_class_numbers("labels", labels, trained, shared).is_ok();
            let others = [("clean_labels", clean), ("test_labels", test)];
            let others = others.map(|(name, labels)| {
                check_label_range(name, labels, trained, SharedClasses::Labels).err()
            });
            let cause = others
                .into_iter()
                .flatten()
                .find(|other| whole && matches!(other, MetricsError::ClassNumbers { .. }));
            cause.or(found.err()).unwrap_or(error)
        }
        _ => {
            let error = explain_range(error, "labels", labels, classes, shared);
            explain_range(error, "clean_labels", clean, classes, SharedClasses::Labels)
        }
    }
}

/// The same for the labels of the test set.
fn explain_test<L: Label>(error: MetricsError, labels: &[L], classes: usize) -> MetricsError {
    let error = error.in_test_set();
    explain_range(error, "test_labels", labels, classes, SharedClasses::Labels)
}

/// The same for labels outside the classes.
fn explain_range<L: Label>(
    error: MetricsError,
    name: &'static str,
    labels: &[L],
    classes: usize,
    shared: SharedClasses,
) -> MetricsError {
    let found = match &error {
        MetricsError::LabelOutOfRange { array, .. } if *array == name => {
            check_label_range(name, labels, classes, shared)
        }
        _ => Ok(()),
    };
    found.err().unwrap_or(error)
}
