//! Result types shared by several functions.

use ndarray::{Array1, Array2};

/// The mean of each class and the mean of all samples.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClassMeans {
    /// Class means, classes x features: row $k$ is $\mu_k$.
    pub means: Array2<f64>,
    /// Mean over all counted samples, $\mu_G$. It equals the mean of the class means only if the
    /// classes are balanced.
    pub global: Array1<f64>,
    /// Number of samples per class.
    pub counts: Vec<usize>,
}

/// Distances of corrupted samples from the mean of their true class; see
/// [`memorization`](crate::memorization()).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Memorization {
    /// Sum of the distances over all corrupted samples; 0 if there are none.
    pub sum: f64,
    /// Mean distance over all corrupted samples; `None` if there are none.
    pub mean: Option<f64>,
    /// Sum of the distances per clean class; 0 for a class without corrupted samples.
    pub per_class: Vec<f64>,
    /// Number of corrupted samples per clean class.
    pub counts: Vec<usize>,
}

/// Predictions for corrupted samples, as three shares that sum to 1; see
/// [`memorized_fraction`](crate::memorized_fraction).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MemorizedFraction {
    /// Share predicted as the given (wrong) label: memorised samples.
    pub as_given: f64,
    /// Share predicted as the clean label.
    pub as_clean: f64,
    /// Share predicted as another class.
    pub as_other: f64,
}
