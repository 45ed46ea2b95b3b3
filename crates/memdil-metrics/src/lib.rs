//! Neural collapse, memorization, dilation and calibration metrics for `ndarray` views.
//!
//! Every function accepts views of any memory layout, in `f32` or `f64`, with labels of any integer
//! type. It returns a finite value, or a [`MetricsError`] that states the problem and its location.
//! No function copies the features or forms a features x features matrix: the running time is
//! $O(n d K)$, and the working memory is a few classes x features and classes x classes tables.
//! Large arrays are divided among rayon's threads; the result does not depend on the number of
//! threads.
//!
//! | Topic | Functions |
//! | --- | --- |
//! | All metrics at once | [`Measure`]; [`measure_logits`] if there are no features |
//! | Class means | [`class_means`], [`uncorrupted_class_means`] |
//! | Collapse of the features (NC1) | [`nc1`], [`nc1_ratio`], [`cdnv`] |
//! | Geometry of the class means (NC2) | [`nc2_etf_means`], [`nc2_equinorm`], [`nc2_equiangle`], [`nc2_orthogonal`], [`hyperspherical_energy`] |
//! | Geometry of the classifier (NC2 to NC4) | [`nc2_etf`], [`nc2_equinorm_w`], [`nc3`], [`nc3_dual`], [`nc4`], [`bias_collapse`] |
//! | Memorization of wrong labels | [`memorization`], [`memorization_test`], [`memorized_fraction`], [`corruption_bias`] |
//! | Dilation on unseen data | [`dilation`], [`rho`], [`radius`], [`separation`], [`rho_nc1`] |
//! | Accuracy and calibration | [`accuracy`], [`ece`], [`adaptive_ece`], [`brier`], [`nll`] |
//! | Checks of the inputs | [`check_class_numbers`], [`looks_like_probabilities`] |
//!
//! For features that arrive in batches, [`FirstPass`] collects the [`Moments`], and [`SecondPass`]
//! then collects the quantities that require the class means. [`Predictions`] collects logits.
//! Collectors of the same type can be merged. The functions above run these passes over a single
//! batch.
//!
//! # A short tour
//!
//! Six training samples of two classes. The last sample belongs to class 0 but has the label 1.
//!
//! ```
//! use memdil_metrics::{dilation, memorization, nc1, rho};
//! use ndarray::array;
//!
//! let features = array![[0.0_f32, 1.0], [0.0, 3.0], [8.0, 1.0], [8.0, 3.0], [0.0, 2.0], [6.0, 2.0]];
//! let observed = [0, 0, 1, 1, 0, 1];
//! let clean = [0, 0, 1, 1, 0, 0];
//!
//! // The corrupted sample is 6 units away from the mean of its true class.
//! let moved = memorization(features.view(), &observed, &clean, 2)?;
//! assert!((moved.sum - 6.0).abs() < 1e-12);
//! assert_eq!(moved.counts, [1, 0]);
//!
//! // Variability for the training labels, and for unseen data with true labels.
//! let train = nc1(features.view(), &observed, 2)?;
//! let unseen = array![[1.0_f32, 2.0], [3.0, 2.0], [5.0, 2.0], [7.0, 2.0]];
//! let test = dilation(unseen.view(), &[0, 0, 1, 1], 2)?;
//! assert!(train < test);
//! assert!((rho(unseen.view(), &[0, 0, 1, 1], 2)? - 0.25).abs() < 1e-12);
//! # Ok::<(), memdil_metrics::MetricsError>(())
//! ```

// docs/src/architecture.md lists the modules in order of dependency, from the bottom to the top.
mod accuracy;
mod calibration;
mod class_means;
mod collapse;
mod corruption;
mod error;
mod geometry;
mod input;
mod kernels;
mod label;
mod linalg;
mod measure;
mod memorization;
mod passes;
mod results;
mod spread;

/// The ndarray crate whose views the functions accept.
pub use ndarray;

pub use accuracy::{accuracy, correct};
pub use calibration::{adaptive_ece, brier, ece, nll};
pub use class_means::{class_means, uncorrupted_class_means};
pub use collapse::{
    bias_collapse, cdnv, hyperspherical_energy, nc1, nc1_ratio, nc2_equiangle, nc2_equinorm,
    nc2_equinorm_w, nc2_etf, nc2_etf_means, nc2_orthogonal, nc3, nc3_dual, nc4,
};
pub use corruption::corruption_bias;
pub use error::{Counted, MetricsError, OccurringLabels, SharedClasses, Subject};
pub use input::{check_class_numbers, looks_like_probabilities};
pub use kernels::Real;
pub use label::Label;
pub use measure::{Measure, Metrics, TestMetrics, measure_logits};
pub use memorization::{memorization, memorization_test, memorized_fraction};
pub use passes::{ECE_BINS, FirstPass, Moments, Predictions, SecondPass, SecondPassTotals};
pub use results::{ClassMeans, Memorization, MemorizedFraction};
pub use spread::{dilation, radius, rho, rho_nc1, separation};
