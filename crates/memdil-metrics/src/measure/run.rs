//! Computation of the metrics from the arrays.

use super::builder::Measure;
use super::explain::explain;
use super::metrics::Metrics;
use super::per_class::measure_classes;
use super::predictions::add_predictions;
use super::second::Second;
use super::test_set::{measure_test, test_moments};
use super::undefined::Undefined;
use crate::collapse::{nc2_equinorm_w, nc2_etf};
use crate::error::{MetricsError, Subject};
use crate::input::{check_logits, check_samples, check_two_classes};
use crate::kernels::Real;
use crate::label::Label;
use crate::linalg::rows_of;
use crate::passes::{Moments, Predictions, Wanted};

impl<T: Real, W: Real, L: Label> Measure<'_, T, W, L> {
    /// Computes all metrics for which the arrays are given, with two passes over the features (three
    /// with [`per_class`](Self::per_class)) and two over those of the test set.
    ///
    /// A metric that is undefined for the inputs is `None`, and [`Metrics::undefined`] contains the
    /// reason; the other metrics are not affected. Possible reasons are class means that coincide
    /// (dead features), a class without test samples, a class with corrupted samples but no
    /// uncorrupted ones, the angle to a class mean of length zero, and a value outside the range of
    /// `f64`.
    ///
    /// Accuracy, calibration and the shares of memorised labels are computed from classifier and
    /// bias, or from the given logits if one of these is missing.
    ///
    /// # Errors
    /// Invalid inputs: fewer than two classes, no samples, mismatched shapes or lengths, a label
    /// outside the classes, a class without training samples (the message lists the class numbers
    /// that occur and explains how to renumber them), non-finite values, features whose squares are
    /// outside the range of `f64`, probabilities instead of logits (every row is in $[0, 1]$ and
    /// sums to 1).
    ///
    /// # Examples
    /// ```
    /// use memdil_metrics::Measure;
    /// use ndarray::array;
    ///
    /// let features = array![[-3.0_f32, 5.0], [-1.0, -5.0], [1.0, 5.0], [3.0, -5.0]];
    /// let classifier = array![[-1.0_f32, 0.0], [1.0, 0.0]];
    /// let found = Measure::new(features.view(), &[0, 0, 1, 1], 2)
    ///     .classifier(classifier.view())
    ///     .run()?;
    /// assert!((found.nc1.expect("nc1 requires only features and labels") - 0.125).abs() < 1e-12);
    /// assert_eq!((found.nc2_etf.is_some(), found.nc4, found.test), (true, None, None));
    /// # Ok::<(), memdil_metrics::MetricsError>(())
    /// ```
    pub fn run(&self) -> Result<Metrics, MetricsError> {
        let (features, labels, classes) = (self.features, self.labels, self.classes);
        let clean_labels = self.clean_labels;
        check_two_classes(classes)?;
        check_samples(Subject::Features, features.nrows())?;
        self.check()?;
        let moments = Moments::of(features, labels, clean_labels, classes)
            .map_err(|error| explain(error, self))?;
        let test_moments = test_moments(self)?;
        let noisy = clean_labels.is_some();
        let wanted = Wanted {
            nc1: true,
            head: self.head(),
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
        add_geometry(&mut metrics, self, &moments, &mut undefined)?;
        if self.head().is_some() {
            metrics.nc4 = undefined.keep("nc4", second.nc4())?;
            add_predictions(&mut metrics, second.predictions(), noisy, &mut undefined)?;
        } else if let Some(logits) = self.logits {
            check_logits(Subject::Logits, logits)?;
            let found = Predictions::of(logits, labels, clean_labels, classes)?;
            add_predictions(&mut metrics, Ok(&found), noisy, &mut undefined)?;
        }
        if noisy {
            add_memorization(&mut metrics, &moments, &second, &mut undefined)?;
        }
        if self.per_class {
            let of_memorization = noisy.then(|| second.memorization());
            let found = measure_classes(self, &moments, of_memorization, &mut undefined)?;
            metrics.per_class = Some(found);
        }
        metrics.test = measure_test(self, test_moments.as_ref(), &second, &mut undefined)?;
        metrics.undefined = undefined.into_map();
        Ok(metrics)
    }
}

/// Adds the metrics of the class means and the last layer.
fn add_geometry<T: Real, W: Real, L: Label>(
    metrics: &mut Metrics,
    inputs: &Measure<'_, T, W, L>,
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

/// Adds memorization and corruption bias.
fn add_memorization(
    metrics: &mut Metrics,
    moments: &Moments,
    second: &Second,
    undefined: &mut Undefined,
) -> Result<(), MetricsError> {
    let found = undefined.memorization("memorization", second.memorization())?;
    if let Some(memorization) = found {
        metrics.memorization_sum = Some(memorization.sum);
        metrics.memorization_mean = memorization.mean;
        metrics.memorization_per_class = Some(memorization.per_class);
    }
    let table = undefined.keep("corruption_bias", moments.corruption_bias())?;
    metrics.corruption_bias = table.map(|table| rows_of(&table));
    Ok(())
}
