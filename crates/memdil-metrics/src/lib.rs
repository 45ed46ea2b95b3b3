//! Neural collapse, memorization, dilation and calibration, measured on plain `ndarray` views.
//!
//! Every function takes views of any memory layout, in `f32` or `f64`, with labels of any integer
//! type, and answers with a number that is defined or with a [`MetricsError`] that says what is
//! wrong and where. No function copies the features or forms a matrix of features by features: time
//! is $O(n d K)$, working memory a few tables of classes by features and of classes by classes.
//! Large arrays are divided among rayon's threads, with the same result for any number of them.
//!
//! | Question | Functions |
//! | --- | --- |
//! | All of it, at once? | [`Measure`], without features [`measure_logits`] |
//! | Where are the classes? | [`class_means`], [`uncorrupted_class_means`] |
//! | Have the features collapsed? | [`nc1`], [`nc1_ratio`], [`cdnv`] |
//! | Do the means form a frame? | [`nc2_etf_means`], [`nc2_equinorm`], [`nc2_equiangle`], [`nc2_orthogonal`], [`hyperspherical_energy`] |
//! | Does the classifier? | [`nc2_etf`], [`nc2_equinorm_w`], [`nc3`], [`nc3_dual`], [`nc4`], [`bias_collapse`] |
//! | Has the network memorised the wrong labels? | [`memorization`], [`memorization_test`], [`memorized_fraction`], [`corruption_bias`] |
//! | What does that cost on unseen data? | [`dilation`], [`rho`], [`radius`], [`separation`], [`rho_nc1`] |
//! | Are the inputs what they should be? | [`check_class_numbers`], [`looks_like_probabilities`] |
//! | Is it right, and does it know when? | [`accuracy`], [`ece`], [`adaptive_ece`], [`brier`], [`nll`] |
//!
//! Where the features come batch by batch, [`FirstPass`] collects the [`Moments`], and
//! [`SecondPass`] what needs the class means first; [`Predictions`] does the same for logits. Each
//! merges with others of its kind, and the functions above are these passes over one batch.
//!
//! # A short tour
//!
//! Six training samples of two classes; the last one belongs to class 0 but carries the label 1.
//!
//! ```
//! use memdil_metrics::{dilation, memorization, nc1, rho};
//! use ndarray::array;
//!
//! let features = array![[0.0_f32, 1.0], [0.0, 3.0], [8.0, 1.0], [8.0, 3.0], [0.0, 2.0], [6.0, 2.0]];
//! let observed = [0, 0, 1, 1, 0, 1];
//! let clean = [0, 0, 1, 1, 0, 0];
//!
//! // The corrupted sample was dragged 6 units away from where its true class lies.
//! let moved = memorization(features.view(), &observed, &clean, 2)?;
//! assert!((moved.sum - 6.0).abs() < 1e-12);
//! assert_eq!(moved.counts, [1, 0]);
//!
//! // Variability against the labels trained on, and against unseen data of the true classes.
//! let train = nc1(features.view(), &observed, 2)?;
//! let unseen = array![[1.0_f32, 2.0], [3.0, 2.0], [5.0, 2.0], [7.0, 2.0]];
//! let test = dilation(unseen.view(), &[0, 0, 1, 1], 2)?;
//! assert!(train < test);
//! assert!((rho(unseen.view(), &[0, 0, 1, 1], 2)? - 0.25).abs() < 1e-12);
//! # Ok::<(), memdil_metrics::MetricsError>(())
//! ```

// docs/src/architecture.md has the order of the modules, from the bottom to the top.
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

/// The version of ndarray whose views the functions take.
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
