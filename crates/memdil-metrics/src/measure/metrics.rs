//! The results of a measurement.

use std::collections::BTreeMap;

use super::per_class::PerClass;

/// The values of all metrics. A metric is `None` if a required array is missing or if it is
/// undefined for the inputs; [`undefined`](Self::undefined) then contains the reason.
///
/// With the feature `serde`, the field names are the serialised keys, and `None` is omitted.
#[cfg_attr(
    feature = "serde",
    serde_with::skip_serializing_none,
    derive(serde::Serialize)
)]
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// Number of samples $n$.
    pub samples: Option<usize>,
    /// Number of features $d$.
    pub dim: Option<usize>,
    /// Number of classes $K$.
    pub classes: Option<usize>,
    /// [`nc1`](crate::nc1())
    pub nc1: Option<f64>,
    /// [`nc1_ratio`](crate::nc1_ratio)
    pub nc1_ratio: Option<f64>,
    /// [`cdnv`](crate::cdnv)
    pub cdnv: Option<f64>,
    /// [`nc2_etf`](crate::nc2_etf); requires a classifier.
    pub nc2_etf: Option<f64>,
    /// [`nc2_etf_means`](crate::nc2_etf_means)
    pub nc2_etf_means: Option<f64>,
    /// [`nc2_equinorm`](crate::nc2_equinorm)
    pub nc2_equinorm: Option<f64>,
    /// [`nc2_equinorm_w`](crate::nc2_equinorm_w); requires a classifier.
    pub nc2_equinorm_w: Option<f64>,
    /// [`nc2_equiangle`](crate::nc2_equiangle)
    pub nc2_equiangle: Option<f64>,
    /// [`nc2_orthogonal`](crate::nc2_orthogonal)
    pub nc2_orthogonal: Option<f64>,
    /// [`nc3`](crate::nc3()); requires a classifier.
    pub nc3: Option<f64>,
    /// [`nc3_dual`](crate::nc3_dual); requires a classifier.
    pub nc3_dual: Option<f64>,
    /// [`nc4`](crate::nc4()); requires classifier and bias.
    pub nc4: Option<f64>,
    /// [`bias_collapse`](crate::bias_collapse); requires classifier and bias.
    pub bias_collapse: Option<f64>,
    /// [`hyperspherical_energy`](crate::hyperspherical_energy)
    pub hyperspherical_energy: Option<f64>,
    /// [`accuracy`](crate::accuracy()) for the training labels; like the next four metrics, it
    /// requires classifier and bias, or logits.
    pub accuracy: Option<f64>,
    /// [`ece`](crate::ece)
    pub ece: Option<f64>,
    /// [`adaptive_ece`](crate::adaptive_ece)
    pub adaptive_ece: Option<f64>,
    /// [`brier`](crate::brier)
    pub brier: Option<f64>,
    /// [`nll`](crate::nll)
    pub nll: Option<f64>,
    /// [`memorization`](crate::memorization()): sum of distances. This and the following metrics
    /// require clean labels.
    pub memorization_sum: Option<f64>,
    /// Mean of distances; `None` without corrupted samples.
    pub memorization_mean: Option<f64>,
    /// Sum of distances per clean class.
    pub memorization_per_class: Option<Vec<f64>>,
    /// [`memorized_fraction`](crate::memorized_fraction): share predicted as the given label;
    /// requires classifier and bias, or logits.
    pub memorized_as_given: Option<f64>,
    /// Share predicted as the clean label.
    pub memorized_as_clean: Option<f64>,
    /// Share predicted as another class.
    pub memorized_as_other: Option<f64>,
    /// [`corruption_bias`](crate::corruption_bias()), row by row.
    pub corruption_bias: Option<Vec<Vec<f64>>>,
    /// Metrics of each class, if [requested](crate::Measure::per_class).
    pub per_class: Option<PerClass>,
    /// Metrics of the test set, if one was given.
    pub test: Option<TestMetrics>,
    /// The reason for each metric that is undefined for the inputs, by metric name; `None` if all
    /// are defined.
    pub undefined: Option<BTreeMap<String, String>>,
}

/// Metrics of the test set; `None` has the same meaning as in [`Metrics`].
#[cfg_attr(
    feature = "serde",
    serde_with::skip_serializing_none,
    derive(serde::Serialize)
)]
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TestMetrics {
    /// Number of samples.
    pub samples: Option<usize>,
    /// [`dilation`](crate::dilation())
    pub dilation: Option<f64>,
    /// [`rho`](crate::rho)
    pub rho: Option<f64>,
    /// [`rho_nc1`](crate::rho_nc1); only for two classes.
    pub rho_nc1: Option<f64>,
    /// [`radius`](crate::radius)
    pub radius: Option<f64>,
    /// [`separation`](crate::separation)
    pub separation: Option<f64>,
    /// [`nc1_ratio`](crate::nc1_ratio)
    pub nc1_ratio: Option<f64>,
    /// [`cdnv`](crate::cdnv)
    pub cdnv: Option<f64>,
    /// [`accuracy`](crate::accuracy()); like the next four metrics, it requires classifier and
    /// bias, or logits.
    pub accuracy: Option<f64>,
    /// [`ece`](crate::ece)
    pub ece: Option<f64>,
    /// [`adaptive_ece`](crate::adaptive_ece)
    pub adaptive_ece: Option<f64>,
    /// [`brier`](crate::brier)
    pub brier: Option<f64>,
    /// [`nll`](crate::nll)
    pub nll: Option<f64>,
    /// [`memorization_test`](crate::memorization_test): sum of distances. This and the next two
    /// metrics require clean labels.
    pub memorization_test_sum: Option<f64>,
    /// Mean of distances; `None` without corrupted samples.
    pub memorization_test_mean: Option<f64>,
    /// Sum of distances per clean class.
    pub memorization_test_per_class: Option<Vec<f64>>,
}
