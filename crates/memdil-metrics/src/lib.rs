#![doc = include_str!("../README.md")]
//!
//! ## Functions by topic
//!
//! | Topic | Functions |
//! | --- | --- |
//! | All metrics at once | [`Measure`]; [`measure_logits`] if there are no features |
//! | Single classes | [`Measure::per_class`] gives [`PerClass`] |
//! | Class means | [`class_means`], [`uncorrupted_class_means`], [`Moments::nearest_means`] |
//! | Collapse of the features (NC1) | [`nc1`], [`nc1_ratio`], [`cdnv`] |
//! | Geometry of the class means (NC2) | [`nc2_etf_means`], [`nc2_equinorm`], [`nc2_equiangle`], [`nc2_orthogonal`], [`hyperspherical_energy`] |
//! | Geometry of the classifier (NC2 to NC4) | [`nc2_etf`], [`nc2_equinorm_w`], [`nc3`], [`nc3_dual`], [`nc4`], [`bias_collapse`], [`minority_angle`] |
//! | Memorization of wrong labels | [`memorization`], [`memorization_test`], [`memorized_fraction`], [`corruption_bias`] |
//! | Dilation on unseen data | [`dilation`], [`rho`], [`radius`], [`separation`], [`rho_nc1`] |
//! | Single samples | [`sample_geometry`], [`logit_scores`], [`head_scores`]; [`ranking`] of samples by a score |
//! | Accuracy and calibration | [`accuracy`], [`ece`], [`adaptive_ece`], [`brier`], [`nll`] |
//! | Checks of the inputs | [`check_class_numbers`], [`looks_like_probabilities`] |
//!
//! ## Notation
//!
//! | Symbol | Meaning |
//! | --- | --- |
//! | $n$, $d$, $K$ | Numbers of samples, features and classes |
//! | $h_i$, $y_i$, $c_i$ | Features, observed label and clean label of sample $i$ |
//! | $n_k$, $\mu_k$ | Number and mean feature of the samples with the observed label $k$ |
//! | $\mu_G$ | Mean feature of all samples |
//! | $\Sigma_W$, $\Sigma_B$ | Within-class and between-class scatter matrices, defined in [`nc1`] |
//! | $W$, $b$ | Weights (classes x features) and bias (classes) of the last layer |
//! | $z_i$, $p_i$ | Logits of sample $i$, and their softmax |
//! | $I$, $J$ | Identity matrix and matrix of ones, both classes x classes |
#![cfg_attr(docsrs, feature(doc_cfg))]

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
mod ranking;
mod results;
mod samples;
mod spread;

/// The ndarray crate whose views the functions accept.
pub use ndarray;

pub use accuracy::{accuracy, correct};
pub use calibration::{adaptive_ece, brier, ece, nll};
pub use class_means::{class_means, uncorrupted_class_means};
pub use collapse::{
    bias_collapse, cdnv, hyperspherical_energy, minority_angle, nc1, nc1_ratio, nc2_equiangle,
    nc2_equinorm, nc2_equinorm_w, nc2_etf, nc2_etf_means, nc2_orthogonal, nc3, nc3_dual, nc4,
};
pub use corruption::corruption_bias;
pub use error::{Counted, MetricsError, OccurringLabels, SharedClasses, Subject};
pub use input::{check_class_numbers, looks_like_probabilities};
pub use kernels::Real;
pub use label::Label;
pub use measure::{ClassMetrics, Measure, Metrics, PerClass, TestMetrics, measure_logits};
pub use memorization::{memorization, memorization_test, memorized_fraction};
pub use passes::{ECE_BINS, FirstPass, Moments, Predictions, SecondPass, SecondPassTotals};
pub use ranking::{Ranking, ranking};
pub use results::{ClassMeans, Memorization, MemorizedFraction};
pub use samples::{
    LogitScores, MeanGeometry, SampleGeometry, head_scores, logit_scores, loss_and_margin,
    sample_geometry,
};
pub use spread::{dilation, radius, rho, rho_nc1, separation};
