//! The kinds of label noise and their settings.

use std::ops::Not;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::class_map::ClassMap;

/// A kind of label noise with its strength; the [module](super) explains how all of them draw.
///
/// ```
/// use memdil_data::noise::LabelNoise;
///
/// let noise: LabelNoise = serde_json::from_str(r#"{"kind": "uniform", "eta": 0.2}"#)?;
/// assert_eq!(noise, LabelNoise::Uniform { eta: 0.2, exact_count: false });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum LabelNoise {
    /// With probability $\eta$ a label is drawn anew, uniformly over ALL K classes, so that a share
    /// $\eta (K-1)/K$ is corrupted on average (Nguyen et al. 2023).
    Uniform {
        /// Probability of drawing anew, in [0, 1].
        eta: f64,
        /// Corrupt exactly $\mathrm{round}(\eta n)$ labels.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// With probability $\eta$ a label moves to one of the K - 1 other classes, each equally
    /// likely.
    Symmetric {
        /// Probability of moving, in [0, 1].
        eta: f64,
        /// Move exactly $\mathrm{round}(\eta n)$ labels.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// With probability $\eta$ a label moves to a fixed class (Patrini et al. 2017).
    Asymmetric {
        /// Probability of moving, in [0, 1].
        eta: f64,
        /// Where each class moves to.
        map: ClassMap,
        /// Move exactly $\mathrm{round}(\eta m)$ of the m labels whose class the map moves.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// With probability $\eta$ a label k moves to $(k + 1) \bmod K$ (Han et al. 2018).
    Pair {
        /// Probability of moving, in [0, 1].
        eta: f64,
        /// Move exactly $\mathrm{round}(\eta n)$ labels.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// A label j becomes k with probability $T_{jk}$.
    Transition {
        /// K rows of K probabilities; each row sums to 1 up to $10^{-6}$ and is divided by its sum.
        matrix: Vec<Vec<f64>>,
        /// Move exactly $\mathrm{round}((1 - T_{jj}) n_j)$ labels of each class j.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// As `uniform`, with a probability $\eta_k$ for each class: given, or drawn with the seed.
    PerClass {
        /// Probability of drawing anew for each of the K classes; give these or `range`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        etas: Option<Vec<f64>>,
        /// The probability of each class is drawn uniformly between these two; give these or
        /// `etas`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        range: Option<[f64; 2]>,
        /// Keep of each observed class only its first samples, as many as the smallest class has.
        #[serde(default, skip_serializing_if = "Not::not")]
        rebalance: bool,
        /// Corrupt exactly $\mathrm{round}(\eta_k n_k)$ labels of each class k.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// After uniform noise each label k goes with probability `split` to a new class $K + k$:
    /// training has 2K classes, the test set K. A label is corrupted if its class modulo K is not
    /// the clean one.
    LatentClass {
        /// Probability of drawing anew among the K classes, in [0, 1].
        eta: f64,
        /// Probability of going on to the new class, in [0, 1].
        split: f64,
        /// Corrupt exactly $\mathrm{round}(\eta n)$ labels.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// The labels are read from a [file](super#label-files) instead of drawn.
    FromFile {
        /// A file of labels.
        path: PathBuf,
        /// Which array, column or label set of the file is read, where it holds several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        column: Option<String>,
    },
}

impl LabelNoise {
    /// The name of the kind as configurations write it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Uniform { .. } => "uniform",
            Self::Symmetric { .. } => "symmetric",
            Self::Asymmetric { .. } => "asymmetric",
            Self::Pair { .. } => "pair",
            Self::Transition { .. } => "transition",
            Self::PerClass { .. } => "per_class",
            Self::LatentClass { .. } => "latent_class",
            Self::FromFile { .. } => "from_file",
        }
    }

    /// The probability of a new class; `None` for noise without latent classes.
    pub fn split(&self) -> Option<f64> {
        match self {
            Self::LatentClass { split, .. } => Some(*split),
            _ => None,
        }
    }

    /// The strength requested as one number in [0, 1]; what becomes of it is
    /// [`NoisyLabels::realised`](super::NoisyLabels::realised).
    ///
    /// `eta` where there is one; the mean over classes of $1 - T_{kk}$ or of `etas`, the middle of
    /// `range`; 0 for `from_file`, which requests nothing
    /// ([`NoisyLabels::requested`](super::NoisyLabels::requested) then tells
    /// what the file says).
    ///
    /// ```
    /// use memdil_data::noise::LabelNoise;
    ///
    /// let noise = LabelNoise::PerClass { etas: None, range: Some([0.0, 0.4]), rebalance: false, exact_count: false };
    /// assert_eq!(noise.requested(), 0.2);
    /// ```
    pub fn requested(&self) -> f64 {
        let mean =
            |rates: &[f64]| (rates.iter().sum::<f64>() / rates.len().max(1) as f64).clamp(0.0, 1.0);
        match self {
            Self::Uniform { eta, .. }
            | Self::Symmetric { eta, .. }
            | Self::Asymmetric { eta, .. }
            | Self::Pair { eta, .. }
            | Self::LatentClass { eta, .. } => *eta,
            Self::Transition { matrix, .. } => mean(&leaving(matrix)),
            Self::PerClass {
                etas: Some(etas), ..
            } => mean(etas),
            Self::PerClass { range, .. } => mean(&range.unwrap_or_default()),
            Self::FromFile { .. } => 0.0,
        }
    }
}

/// The probability of each class to become another one.
pub(super) fn leaving(matrix: &[Vec<f64>]) -> Vec<f64> {
    let rate = |(class, row): (usize, &Vec<f64>)| {
        let others = row.iter().enumerate().filter(|(k, _)| *k != class);
        let leaving: f64 = others.map(|(_, p)| p).sum();
        let staying = row.get(class).copied().unwrap_or_default();
        match leaving > 0.0 {
            true => leaving / (leaving + staying),
            false => 0.0,
        }
    };
    matrix.iter().enumerate().map(rate).collect()
}
