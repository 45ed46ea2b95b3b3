//! All metrics at once, in two passes over the features.

use std::collections::BTreeMap;

use ndarray::{ArrayView1, ArrayView2};

use crate::input::{Label, Real, check_length, check_samples, check_two_classes};
use crate::second_pass::{Wanted, in_memory};
use crate::{
    MetricsError, Moments, Predictions, SecondPassTotals, nc2_equinorm_w, nc2_etf, rho_nc1,
};

/// What to measure. What is not given is not needed: the metrics that would need it are left out.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a, T, W, L> {
    /// Features $h_i$, samples x features.
    pub features: ArrayView2<'a, T>,
    /// Labels trained on, $y_i$.
    pub labels: &'a [L],
    /// Number of classes $K$.
    pub classes: usize,
    /// Clean labels $c_i$.
    pub clean_labels: Option<&'a [L]>,
    /// Weights $W$ of the last layer, classes x features.
    pub classifier: Option<ArrayView2<'a, W>>,
    /// Bias $b$ of the last layer; zeros for a layer without one.
    pub bias: Option<ArrayView1<'a, W>>,
    /// Features and labels of unseen samples.
    pub test: Option<(ArrayView2<'a, T>, &'a [L])>,
}

/// Declares a record whose fields may be missing, and serialises those that are not.
macro_rules! record {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$inner])* pub $field: Option<$type>,)*
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(if let Some(value) = &self.$field {
                    map.serialize_entry(stringify!($field), value)?;
                })*
                map.end()
            }
        }
    };
}

record! {
    /// Every metric by its name. Missing is what the inputs do not give, or leave undefined:
    /// [`undefined`](Self::undefined) has the reason.
    ///
    /// With the feature `serde` it serialises to these names, without what is missing.
    Metrics {
        /// Samples $n$.
        samples: usize,
        /// Features $d$.
        dim: usize,
        /// Classes $K$.
        classes: usize,
        /// [`nc1`](crate::nc1())
        nc1: f64,
        /// [`nc1_ratio`](crate::nc1_ratio)
        nc1_ratio: f64,
        /// [`cdnv`](crate::cdnv)
        cdnv: f64,
        /// [`nc2_etf`], with a classifier.
        nc2_etf: f64,
        /// [`nc2_etf_means`](crate::nc2_etf_means)
        nc2_etf_means: f64,
        /// [`nc2_equinorm`](crate::nc2_equinorm)
        nc2_equinorm: f64,
        /// [`nc2_equinorm_w`], with a classifier.
        nc2_equinorm_w: f64,
        /// [`nc2_equiangle`](crate::nc2_equiangle)
        nc2_equiangle: f64,
        /// [`nc2_orthogonal`](crate::nc2_orthogonal)
        nc2_orthogonal: f64,
        /// [`nc3`](crate::nc3()), with a classifier.
        nc3: f64,
        /// [`nc3_dual`](crate::nc3_dual), with a classifier.
        nc3_dual: f64,
        /// [`nc4`](crate::nc4()), with classifier and bias.
        nc4: f64,
        /// [`bias_collapse`](crate::bias_collapse), with classifier and bias.
        bias_collapse: f64,
        /// [`hyperspherical_energy`](crate::hyperspherical_energy)
        hyperspherical_energy: f64,
        /// [`accuracy`](crate::accuracy()) against the labels trained on, with classifier and bias
        /// (as the next four).
        accuracy: f64,
        /// [`ece`](crate::ece)
        ece: f64,
        /// [`adaptive_ece`](crate::adaptive_ece)
        adaptive_ece: f64,
        /// [`brier`](crate::brier)
        brier: f64,
        /// [`nll`](crate::nll)
        nll: f64,
        /// [`memorization`](crate::memorization()): sum of distances, with clean labels (as all
        /// that follow).
        memorization_sum: f64,
        /// Mean of distances; missing without corrupted samples.
        memorization_mean: f64,
        /// Sum of distances by clean class.
        memorization_per_class: Vec<f64>,
        /// [`memorized_fraction`](crate::memorized_fraction): share predicted as the given label,
        /// with classifier and bias.
        memorized_as_given: f64,
        /// Share predicted as the clean label.
        memorized_as_clean: f64,
        /// Share predicted as another label.
        memorized_as_other: f64,
        /// [`corruption_bias`](crate::corruption_bias()), row by row.
        corruption_bias: Vec<Vec<f64>>,
        /// What was measured on the test set, where one was given.
        test: TestMetrics,
        /// Metric and reason, for each metric that these inputs leave undefined; missing where all
        /// are defined.
        undefined: BTreeMap<String, String>,
    }
}

record! {
    /// Metrics of the test set, missing as in [`Metrics`].
    TestMetrics {
        /// Samples.
        samples: usize,
        /// [`dilation`](crate::dilation())
        dilation: f64,
        /// [`rho`](crate::rho)
        rho: f64,
        /// [`rho_nc1`], for two classes.
        rho_nc1: f64,
        /// [`radius`](crate::radius)
        radius: f64,
        /// [`separation`](crate::separation)
        separation: f64,
        /// [`nc1_ratio`](crate::nc1_ratio)
        nc1_ratio: f64,
        /// [`cdnv`](crate::cdnv)
        cdnv: f64,
        /// [`accuracy`](crate::accuracy()), with classifier and bias (as the next four).
        accuracy: f64,
        /// [`ece`](crate::ece)
        ece: f64,
        /// [`adaptive_ece`](crate::adaptive_ece)
        adaptive_ece: f64,
        /// [`brier`](crate::brier)
        brier: f64,
        /// [`nll`](crate::nll)
        nll: f64,
        /// [`memorization_test`](crate::memorization_test): sum of distances, with clean labels (as
        /// the next two).
        memorization_test_sum: f64,
        /// Mean of distances; missing without corrupted samples.
        memorization_test_mean: f64,
        /// Sum of distances by clean class.
        memorization_test_per_class: Vec<f64>,
    }
}

/// Measures all that the inputs allow: two passes over the features, and two over those of the test
/// set.
///
/// # Errors
/// What makes the inputs unusable: fewer than two classes, no samples, shapes or lengths that
/// differ, a label outside the classes, a class without samples (or with corrupted samples but no
/// uncorrupted one), non-finite values, class means that coincide. A metric that is undefined by
/// itself, say an angle to a class mean of length zero, is missing instead, and
/// [`Metrics::undefined`] says why.
///
/// # Examples
/// ```
/// use memdil_metrics::{Inputs, measure};
/// use ndarray::array;
///
/// let features = array![[-3.0_f32, 5.0], [-1.0, -5.0], [1.0, 5.0], [3.0, -5.0]];
/// let classifier = array![[-1.0_f32, 0.0], [1.0, 0.0]];
/// let found = measure(&Inputs {
///     features: features.view(),
///     labels: &[0, 0, 1, 1],
///     classes: 2,
///     clean_labels: None,
///     classifier: Some(classifier.view()),
///     bias: None,
///     test: None,
/// })?;
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
        classifier,
        bias,
        ..
    } = *inputs;
    check_two_classes(classes)?;
    check_samples("features", features.nrows())?;
    if let Some(classifier) = classifier {
        check_length(
            "classifier",
            "rows",
            classifier.nrows(),
            "the number of classes",
            classes,
        )?;
        check_length(
            "features",
            "columns",
            features.ncols(),
            "classifier",
            classifier.ncols(),
        )?;
    }
    let moments = Moments::of(features, labels, clean_labels, classes)?;
    let test_moments = inputs.test.map(|(features, labels)| {
        check_length(
            "test_features",
            "columns",
            features.ncols(),
            "features",
            moments.dim(),
        )?;
        Moments::of(features, labels, None, classes).map_err(MetricsError::in_test_set)
    });
    let test_moments = test_moments.transpose()?;
    let head = classifier.zip(bias);
    let noisy = clean_labels.is_some();
    let wanted = Wanted {
        nc1: true,
        head,
        memorization: noisy,
        test: test_moments.as_ref().filter(|_| noisy),
    };
    let totals = in_memory(&moments, (features, labels, clean_labels), wanted)?;

    let mut undefined = Undefined::default();
    let mut metrics = Metrics {
        samples: Some(features.nrows()),
        dim: Some(features.ncols()),
        classes: Some(classes),
        nc1: Some(totals.nc1()?),
        nc1_ratio: undefined.keep("nc1_ratio", moments.nc1_ratio()),
        cdnv: undefined.keep("cdnv", moments.cdnv()),
        nc2_etf_means: undefined.keep("nc2_etf_means", moments.nc2_etf_means()),
        nc2_equinorm: undefined.keep("nc2_equinorm", moments.nc2_equinorm()),
        nc2_equiangle: undefined.keep("nc2_equiangle", moments.nc2_equiangle()),
        nc2_orthogonal: undefined.keep("nc2_orthogonal", moments.nc2_orthogonal()),
        hyperspherical_energy: undefined
            .keep("hyperspherical_energy", moments.hyperspherical_energy()),
        ..Metrics::default()
    };
    if let Some(classifier) = classifier {
        metrics.nc2_etf = undefined.keep("nc2_etf", nc2_etf(classifier));
        metrics.nc2_equinorm_w = undefined.keep("nc2_equinorm_w", nc2_equinorm_w(classifier));
        metrics.nc3 = undefined.keep("nc3", moments.nc3(classifier));
        metrics.nc3_dual = undefined.keep("nc3_dual", moments.nc3_dual(classifier));
    }
    if let Some((classifier, bias)) = head {
        metrics.nc4 = Some(totals.nc4()?);
        metrics.bias_collapse =
            undefined.keep("bias_collapse", moments.bias_collapse(classifier, bias));
        let predictions = totals.predictions()?;
        let calibration = undefined.calibration("", predictions)?;
        [
            metrics.accuracy,
            metrics.ece,
            metrics.adaptive_ece,
            metrics.brier,
            metrics.nll,
        ] = calibration;
        if let Some(shares) = predictions.memorized_fraction() {
            metrics.memorized_as_given = Some(shares.as_given);
            metrics.memorized_as_clean = Some(shares.as_clean);
            metrics.memorized_as_other = Some(shares.as_other);
        }
    }
    if noisy {
        let memorization = totals.memorization()?;
        metrics.memorization_sum = Some(memorization.sum);
        metrics.memorization_mean = memorization.mean;
        metrics.memorization_per_class = Some(memorization.per_class);
        let table = undefined.keep("corruption_bias", moments.corruption_bias());
        metrics.corruption_bias =
            table.map(|table| table.rows().into_iter().map(|row| row.to_vec()).collect());
    }
    if let Some(test_moments) = &test_moments {
        metrics.test = Some(measure_test(inputs, test_moments, &totals, &mut undefined)?);
    }
    metrics.undefined = (!undefined.0.is_empty()).then_some(undefined.0);
    Ok(metrics)
}

fn measure_test<T: Real, W: Real, L: Label>(
    inputs: &Inputs<'_, T, W, L>,
    moments: &Moments,
    train: &SecondPassTotals,
    undefined: &mut Undefined,
) -> Result<TestMetrics, MetricsError> {
    let Some((features, labels)) = inputs.test else {
        return Ok(TestMetrics::default());
    };
    let wanted = Wanted {
        nc1: true,
        head: inputs.classifier.zip(inputs.bias),
        ..Wanted::default()
    };
    let totals =
        in_memory(moments, (features, labels, None), wanted).map_err(MetricsError::in_test_set)?;
    let dilation = totals.nc1()?;
    let mut metrics = TestMetrics {
        samples: Some(features.nrows()),
        dilation: Some(dilation),
        rho: undefined.keep("test.rho", moments.rho()),
        radius: undefined.keep("test.radius", moments.radius()),
        separation: undefined.keep("test.separation", moments.separation()),
        nc1_ratio: undefined.keep("test.nc1_ratio", moments.nc1_ratio()),
        cdnv: undefined.keep("test.cdnv", moments.cdnv()),
        ..TestMetrics::default()
    };
    if inputs.classes == 2 {
        metrics.rho_nc1 = undefined.keep("test.rho_nc1", rho_nc1(dilation, features.ncols()));
    }
    if let Ok(predictions) = totals.predictions() {
        let calibration = undefined.calibration("test.", predictions)?;
        [
            metrics.accuracy,
            metrics.ece,
            metrics.adaptive_ece,
            metrics.brier,
            metrics.nll,
        ] = calibration;
    }
    if let Ok(memorization) = train.memorization_test() {
        metrics.memorization_test_sum = Some(memorization.sum);
        metrics.memorization_test_mean = memorization.mean;
        metrics.memorization_test_per_class = Some(memorization.per_class);
    }
    Ok(metrics)
}

/// Why metrics are missing.
#[derive(Default)]
struct Undefined(BTreeMap<String, String>);

impl Undefined {
    fn keep<V>(&mut self, metric: &str, value: Result<V, MetricsError>) -> Option<V> {
        value
            .map_err(|reason| self.0.insert(metric.to_owned(), reason.to_string()))
            .ok()
    }

    /// Accuracy, ECE, adaptive ECE, Brier score and likelihood.
    fn calibration(
        &mut self,
        prefix: &str,
        predictions: &Predictions,
    ) -> Result<[Option<f64>; 5], MetricsError> {
        let nll = self.keep(&format!("{prefix}nll"), predictions.nll());
        let [accuracy, ece] = [predictions.accuracy()?, predictions.ece()?];
        Ok([
            Some(accuracy),
            Some(ece),
            Some(predictions.adaptive_ece()?),
            Some(predictions.brier()?),
            nll,
        ])
    }
}
