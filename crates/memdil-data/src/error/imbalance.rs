//! The error of unequal classes.

/// An imbalance that leaves a class without training images.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "data.imbalance: with {n_max} images in the largest class, ratio = {ratio} leaves none of class {label}; lower the ratio or use more images per class"
)]
#[non_exhaustive]
pub struct ImbalancedAway {
    /// The class, counted from 0 in the order of the settings.
    pub label: usize,
    /// The ratio.
    pub ratio: f64,
    /// Number of images of the largest class.
    pub n_max: usize,
}
