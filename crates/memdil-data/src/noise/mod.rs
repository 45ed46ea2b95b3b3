//! Label noise: kinds, and how they corrupt clean labels.
//!
//! What each kind does with which settings is said with its variant of [`LabelNoise`].
//!
//! For every sample a number u in [0, 1) and a new label are drawn, whatever the strength is; the
//! label is taken where u lies below the sample's rate. So with the same seed, raising `eta` leaves
//! the samples that were hit as they are and adds others. This also holds for each class of
//! `per_class` with `etas`, and for `transition` as long as the entries of a row beside the
//! diagonal stay in proportion.
//!
//! # Exact counts
//!
//! With `exact_count = true` the number of labels that differ is no longer random: those with the
//! smallest u are taken, as many as the rate says (how many that is, is said with each kind's
//! `exact_count`), and none of them keeps its class (where `uniform` noise would draw from all
//! classes, the new label is one of the K - 1 others). Which class a label moves to, and which
//! labels `split` moves, stays random.
//!
//! # Label files
//!
//! `from_file` takes a `.npz` that [`NoisyLabels::write_npz`] wrote, or one label per sample in any
//! file that [`arrays`](crate::arrays) describes, in the order of the training samples. A wrong
//! order is the usual mistake, and it looks like strong noise. So a file should carry the clean
//! labels as well: in a second column (`clean,observed` in a `.csv`, an array n x 2 with the clean
//! labels first in a `.npy`) or as a second array (`clean_labels` beside `labels` in an archive).
//! They are compared with those of the data set: where all agree, the order is the same but for
//! samples that share a class with their neighbours in a sorted file; where one differs, its row is
//! named. A file without clean labels is refused if it agrees with the data set hardly better than
//! chance: if Cohen's kappa of clean and observed labels, 1 for equal labels and about 0 for a wrong
//! order, is below 0.1. Of several label sets in a file, `column` names one.
//!
//! CIFAR-N (Wei et al. 2022) publishes a pickled Python dictionary with several label sets. It is
//! read as it is, as a `.npy` of objects or a `.pkl`, without Python and without calling anything;
//! `column` names the label set, and `clean_label` beside it proves the order. The files named
//! `ordered` are in the order of TensorFlow's images. This saves one of their label sets in the
//! order of the binary (and Python) files:
//!
//! ```python
//! import numpy as np
//!
//! published = np.load("CIFAR-10_human_ordered.npy", allow_pickle=True).item()
//! order = np.load("image_order_c10.npy")  # place of TensorFlow's i-th image in the binary files
//! columns = np.empty((len(order), 2), dtype=np.int64)
//! columns[order, 0] = np.ravel(published["clean_label"])
//! columns[order, 1] = np.ravel(published["worse_label"])  # or aggre_label, random_label1, ...
//! np.save("cifar10n-worse.npy", columns)
//! # or np.savetxt("cifar10n-worse.csv", columns, fmt="%d", delimiter=",", header="clean,observed", comments="")
//! ```
//!
//! Had `order` been forgotten, the first column would differ from the data set's labels within a
//! few rows.
//!
//! A `.pt` of CIFAR-N is PyTorch's own format, which is not read. This saves the same dictionary
//! as a `.npy` that is, in the order of the binary files:
//!
//! ```python
//! import numpy as np
//! import torch
//!
//! np.save("CIFAR-10_human.npy", torch.load("CIFAR-10_human.pt", weights_only=False))
//! ```

mod check;
mod class_map;
mod draw;
mod expected;
mod from_file;
mod label_file;
mod labels;
mod npz;
mod pickled;

use std::ops::Not;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(crate) use check::check_clean;
pub use class_map::{ClassMap, NamedMap};
pub use label_file::read_labels;
pub use labels::NoisyLabels;

/// A kind of label noise with its strength; how all of them draw is said [above](self).
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
    /// The labels are read from a [file](self#label-files) instead of drawn.
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

    /// The strength asked for as one number in [0, 1]; what becomes of it is
    /// [`NoisyLabels::realised`].
    ///
    /// `eta` where there is one; the mean over classes of $1 - T_{kk}$ or of `etas`, the middle of
    /// `range`; 0 for `from_file`, which asks for nothing ([`NoisyLabels::requested`] then tells
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
            Self::Transition { matrix, .. } => mean(&draw::leaving(matrix)),
            Self::PerClass {
                etas: Some(etas), ..
            } => mean(etas),
            Self::PerClass { range, .. } => mean(&range.unwrap_or_default()),
            Self::FromFile { .. } => 0.0,
        }
    }
}
