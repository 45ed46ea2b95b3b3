//! Records that several functions return.

use ndarray::{Array1, Array2};

/// The mean of every class and of all samples.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClassMeans {
    /// Class means, classes x features: row $k$ is $\mu_k$.
    pub means: Array2<f64>,
    /// Mean over all samples counted, $\mu_G$ (not the mean of the class means, unless classes are
    /// balanced).
    pub global: Array1<f64>,
    /// Samples of each class.
    pub counts: Vec<usize>,
}

/// How far corrupted samples lie from where their true class does; see [`memorization`](crate::memorization()).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Memorization {
    /// Sum of the distances over all corrupted samples; 0 without any.
    pub sum: f64,
    /// Mean distance over all corrupted samples; `None` without any.
    pub mean: Option<f64>,
    /// Sum of the distances by clean class; 0 for a class without corrupted samples.
    pub per_class: Vec<f64>,
    /// Corrupted samples by clean class.
    pub counts: Vec<usize>,
}

/// What the network predicts for corrupted samples; the three shares add up to 1. See
/// [`memorized_fraction`](crate::memorized_fraction).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MemorizedFraction {
    /// Share predicted as the wrong label they were given: memorised.
    pub as_given: f64,
    /// Share predicted as their clean label: the noise was seen through.
    pub as_clean: f64,
    /// Share predicted as neither.
    pub as_other: f64,
}
