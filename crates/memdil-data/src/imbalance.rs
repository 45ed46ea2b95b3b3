//! Training sets with unequal classes.

use serde::{Deserialize, Serialize};

use crate::error::{DataError, ImbalancedAway};

/// The profile of the numbers of training images per class; the test set stays balanced.
///
/// The ratio R is the number of images of the largest class divided by that of the smallest. Classes
/// are in the order of [`DataSpec::classes`](crate::DataSpec::classes), and every class keeps its
/// first images in the file.
///
/// ```
/// use memdil_data::Imbalance;
///
/// let imbalance = Imbalance::Exponential { ratio: 100.0 };
/// assert_eq!(imbalance.counts(500, 5), [500, 158, 50, 16, 5]);
/// let imbalance = Imbalance::Step { ratio: 10.0, minority: 0.4 };
/// assert_eq!(imbalance.counts(500, 5), [500, 500, 500, 50, 50]);
/// assert_eq!(imbalance.minority_classes(5), [3, 4]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Imbalance {
    /// Class k keeps $\mathrm{round}(n_{\max} R^{-k/(K-1)})$ images (Cui et al. 2019).
    Exponential {
        /// The ratio R, at least 1.
        ratio: f64,
    },
    /// The last $\mathrm{round}(\text{minority} \cdot K)$ classes keep
    /// $\mathrm{round}(n_{\max} / R)$ images, the others $n_{\max}$ (Buda et al. 2018; with it, Fang
    /// et al. 2021 describe minority collapse).
    Step {
        /// The ratio R, at least 1.
        ratio: f64,
        /// The share of minority classes, in (0, 1); 0.5 if absent.
        #[serde(default = "half")]
        minority: f64,
    },
}

fn half() -> f64 {
    0.5
}

impl Imbalance {
    /// The name of the profile in configurations.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Exponential { .. } => "exponential",
            Self::Step { .. } => "step",
        }
    }

    /// The ratio R of the largest to the smallest class.
    pub fn ratio(&self) -> f64 {
        let (Self::Exponential { ratio } | Self::Step { ratio, .. }) = *self;
        ratio
    }

    /// The number of images of each class, if the largest class has `n_max`.
    ///
    /// # Shapes
    /// `classes` numbers, in the order of the classes.
    pub fn counts(&self, n_max: usize, classes: usize) -> Vec<usize> {
        let round = |count: f64| count.round() as usize;
        let most = n_max as f64;
        match *self {
            Self::Exponential { ratio } => {
                // With one class, there is no smaller one.
                let last = classes.saturating_sub(1).max(1) as f64;
                // A division, so that the last class has n / R images also if that is halfway between
                // two integers; 147 times 1/98 is below 1.5.
                let count = |k: usize| round(most / ratio.powf(k as f64 / last));
                (0..classes).map(count).collect()
            }
            Self::Step { ratio, .. } => {
                let minority = self.minority_classes(classes);
                let count = |k| {
                    if minority.contains(&k) {
                        round(most / ratio)
                    } else {
                        n_max
                    }
                };
                (0..classes).map(count).collect()
            }
        }
    }

    /// The minority classes by label, also for a ratio of 1: those of a step profile that keep
    /// fewer images, or the last $\lfloor K/2 \rfloor$ classes of an exponential profile.
    pub fn minority_classes(&self, classes: usize) -> Vec<usize> {
        let minority = match *self {
            Self::Exponential { .. } => classes / 2,
            Self::Step { minority, .. } => (minority * classes as f64).round() as usize,
        };
        (classes.saturating_sub(minority)..classes).collect()
    }

    /// Checks the settings for the number of classes; 0 if it is not known yet.
    pub(crate) fn validate(&self, classes: usize) -> Result<(), DataError> {
        let ratio = self.ratio();
        let fits = ratio.is_finite() && ratio >= 1.0;
        let range = "must be a finite number of at least 1: the images of the largest class over those of the smallest";
        DataError::check_range("data.imbalance.ratio", ratio, range, fits)?;
        let Self::Step { minority, .. } = *self else {
            return Ok(());
        };
        let fits = minority > 0.0 && minority < 1.0;
        let range = "must be above 0 and below 1";
        DataError::check_range("data.imbalance.minority", minority, range, fits)?;
        let found = self.minority_classes(classes).len();
        let range = "must leave at least one class in the minority and one in the majority, rounded to whole classes";
        let fits = classes == 0 || (1..classes).contains(&found);
        DataError::check_range("data.imbalance.minority", minority, range, fits)
    }

    /// The number of images of each class, each of which must keep at least one.
    pub(crate) fn positive_counts(
        &self,
        n_max: usize,
        classes: usize,
    ) -> Result<Vec<usize>, DataError> {
        let counts = self.counts(n_max, classes);
        match counts.iter().position(|&count| count == 0) {
            None => Ok(counts),
            Some(label) => Err(ImbalancedAway {
                label,
                ratio: self.ratio(),
                n_max,
            }
            .into()),
        }
    }
}
