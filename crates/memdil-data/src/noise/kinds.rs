//! The kinds of label noise and their settings.

use std::ops::Not;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::class_map::ClassMap;

/// A kind of label noise with its settings; the [module](super) describes how labels are drawn.
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
    /// With probability $\eta$ a label is redrawn uniformly from all K classes, so that a fraction
    /// $\eta (K-1)/K$ is corrupted on average (Nguyen et al. 2023).
    Uniform {
        /// Probability of redrawing, in [0, 1].
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
        /// The target of each class.
        map: ClassMap,
        /// Move exactly $\mathrm{round}(\eta m)$ of the m labels whose class the map changes.
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
        /// K rows of K probabilities; each row must sum to 1 within $10^{-6}$ and is divided by its
        /// sum.
        matrix: Vec<Vec<f64>>,
        /// Move exactly $\mathrm{round}((1 - T_{jj}) n_j)$ labels of each class j.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// Like `uniform`, with a probability $\eta_k$ for each class that is given or drawn at random.
    PerClass {
        /// Probability of redrawing for each of the K classes; exclusive with `range`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        etas: Option<Vec<f64>>,
        /// Interval from which the probability of each class is drawn uniformly; exclusive with
        /// `etas`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        range: Option<[f64; 2]>,
        /// Truncate every observed class to the size of the smallest one, keeping its first
        /// samples.
        #[serde(default, skip_serializing_if = "Not::not")]
        rebalance: bool,
        /// Corrupt exactly $\mathrm{round}(\eta_k n_k)$ labels of each class k.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// After uniform noise, each label k moves with probability `split` to a new class $K + k$, so
    /// the training set has 2K classes and the test set K. A label is corrupted if it differs from
    /// the clean label modulo K.
    LatentClass {
        /// Probability of redrawing from the K classes, in [0, 1].
        eta: f64,
        /// Probability of moving to the new class, in [0, 1].
        split: f64,
        /// Corrupt exactly $\mathrm{round}(\eta n)$ labels.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// The flip rate of each image is drawn, and its new label follows from projections of the
    /// image (Xia et al. 2020); see [instance-dependent noise](super#instance-dependent-noise).
    ///
    /// Needs the images
    /// ([`inject_with_images`](LabelNoise::inject_with_images)) and at least three classes.
    Instance {
        /// Mean flip rate, in [0, 1].
        eta: f64,
        /// Standard deviation, before truncation, of the normal distribution of flip rates; in
        /// $[10^{-6}, 1]$, 0.1 if absent.
        #[serde(default = "default_std")]
        std: f64,
        /// Move exactly $\mathrm{round}(\eta n)$ labels.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// Labels about which a network is least certain move to its runner-up class (Zhang et al.
    /// 2021, PMD); see [instance-dependent noise](super#instance-dependent-noise).
    Margin {
        /// Mean flip probability, in [0, 1].
        eta: f64,
        /// File of the network's logits, with a row per training sample and a column per class: a
        /// `.npy`, or the array `logits` of a `.npz` or `.safetensors`, such as the `features.npz`
        /// of a run.
        logits: PathBuf,
        /// The name of the array, if it is not `logits`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        column: Option<String>,
        /// How the flip probability depends on the margin.
        #[serde(default)]
        pmd_type: PmdType,
        /// Move exactly $\mathrm{round}(\eta n)$ labels.
        #[serde(default, skip_serializing_if = "Not::not")]
        exact_count: bool,
    },
    /// The labels are read from a [file](super#label-files) instead of drawn.
    FromFile {
        /// The label file.
        path: PathBuf,
        /// The name of the array, column or label set, if the file holds several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        column: Option<String>,
    },
}

/// The decreasing function $\tau(m)$ to which [`Margin`](LabelNoise::Margin) noise makes the flip
/// probability proportional: types I, II and III of Zhang et al. (2021).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PmdType {
    /// $\tau(m) = \frac{1}{2} - \frac{1}{2} m^2$
    #[default]
    I,
    /// $\tau(m) = 1 - m^3$
    II,
    /// $\tau(m) = 1 - \frac{1}{3} (m^3 + m^2 + m)$
    III,
}

/// The standard deviation in the code and experiments of Xia et al. (2020).
fn default_std() -> f64 {
    0.1
}

impl LabelNoise {
    /// The name of the kind in configurations.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Uniform { .. } => "uniform",
            Self::Symmetric { .. } => "symmetric",
            Self::Asymmetric { .. } => "asymmetric",
            Self::Pair { .. } => "pair",
            Self::Transition { .. } => "transition",
            Self::PerClass { .. } => "per_class",
            Self::LatentClass { .. } => "latent_class",
            Self::Instance { .. } => "instance",
            Self::Margin { .. } => "margin",
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

    /// The requested noise rate as one number in [0, 1];
    /// [`NoisyLabels::realised`](super::NoisyLabels::realised) is the resulting fraction.
    ///
    /// It is `eta` if the kind has one, the mean over classes of $1 - T_{kk}$ or of `etas`, or the
    /// midpoint of `range`. It is 0 for `from_file`, whose rate is stored in the file
    /// ([`NoisyLabels::requested`](super::NoisyLabels::requested)).
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
            | Self::LatentClass { eta, .. }
            | Self::Instance { eta, .. }
            | Self::Margin { eta, .. } => *eta,
            Self::Transition { matrix, .. } => mean(&leaving(matrix)),
            Self::PerClass {
                etas: Some(etas), ..
            } => mean(etas),
            Self::PerClass { range, .. } => mean(&range.unwrap_or_default()),
            Self::FromFile { .. } => 0.0,
        }
    }
}

/// The probability of each class that its labels change.
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
