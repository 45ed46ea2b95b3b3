//! The supported losses: names, parameters and checks.

use serde::{Deserialize, Serialize};

use crate::error::LossError;

/// A classification loss on logits, averaged over the batch (natural logarithm).
///
/// With $K$ classes, logits $z$, label $y$ and $p = \operatorname{softmax}(z)$:
///
/// | variant | formula | source |
/// | --- | --- | --- |
/// | `CrossEntropy` | $-\log p_y$ | |
/// | `LabelSmoothing` | $-\sum_j t_j \log p_j$ with $t = (1-\alpha) e_y + \alpha/K$ | Szegedy et al. 2016 |
/// | `LabelRelaxation` | $0$ if $p_y \ge 1-\alpha$, otherwise $\mathrm{KL}(q \Vert p)$ with $q_y = 1-\alpha$, $q_j = \alpha p_j/(1-p_y)$ | Lienen and Hüllermeier 2021 |
/// | `Mse` | $\frac1K \lVert z - e_y \rVert^2$ | |
/// | `Focal` | $-(1-p_y)^\gamma \log p_y$ | Lin et al. 2017 |
/// | `GeneralizedCrossEntropy` | $(1 - p_y^q)/q$ | Zhang and Sabuncu 2018 |
/// | `SymmetricCrossEntropy` | $-\alpha \log p_y + 4 \beta (1-p_y)$ | Wang et al. 2019 |
/// | `ForwardCorrection` | $-\log \sum_i p_i T_{iy}$ | Patrini et al. 2017 |
///
/// $e_y$ is the one-hot vector of the label, and $T$ is the transition matrix of the label noise.
/// The reverse cross-entropy of `SymmetricCrossEntropy` is $-\sum_j p_j \log t_j$ with $t = e_y$
/// and $\log 0$ replaced by $-4$; another constant would only rescale $\beta$.
///
/// In TOML and JSON a loss is a table with a `kind`, such as
/// `{ kind = "label_smoothing", alpha = 0.1 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// Cross-entropy (CE).
    CrossEntropy {},
    /// Label smoothing (LS): the target of the label is $1-\alpha+\alpha/K$.
    LabelSmoothing {
        /// Smoothing degree, in `[0, 1)`.
        alpha: f64,
    },
    /// Label relaxation (LR): the loss is 0 if the label's probability is at least $1-\alpha$.
    LabelRelaxation {
        /// Relaxation degree, in `(0, 1)`.
        alpha: f64,
    },
    /// Mean squared error of the logits against the one-hot label.
    Mse {},
    /// Focal loss (FL): cross-entropy with lower weights for samples that are classified well.
    Focal {
        /// Focusing exponent, at least 0; 0 is cross-entropy.
        gamma: f64,
    },
    /// Generalised cross-entropy (GCE): between cross-entropy (q near 0) and the mean absolute
    /// error (q = 1).
    GeneralizedCrossEntropy {
        /// Exponent, in `(0, 1]`.
        q: f64,
    },
    /// Symmetric cross-entropy (SCE): a weighted sum of cross-entropy and reverse cross-entropy.
    SymmetricCrossEntropy {
        /// Weight of cross-entropy, at least 0.
        alpha: f64,
        /// Weight of reverse cross-entropy, at least 0.
        beta: f64,
    },
    /// Forward correction (FC): cross-entropy of the predicted distribution of noisy labels.
    ForwardCorrection {
        /// $T_{ij}$, the probability that class i is labelled j; rows sum to 1. A run that omits it
        /// uses the transition matrix of its own noise.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        transition: Vec<Vec<f64>>,
    },
}

impl Loss {
    /// The abbreviation used in tables and figures: `CE`, `LS`, `LR`, `MSE`, `FL`, `GCE`, `SCE`,
    /// `FC`.
    ///
    /// ```
    /// assert_eq!(memdil_losses::Loss::CrossEntropy {}.short_name(), "CE");
    /// ```
    pub fn short_name(&self) -> &'static str {
        match self {
            Self::CrossEntropy {} => "CE",
            Self::LabelSmoothing { .. } => "LS",
            Self::LabelRelaxation { .. } => "LR",
            Self::Mse {} => "MSE",
            Self::Focal { .. } => "FL",
            Self::GeneralizedCrossEntropy { .. } => "GCE",
            Self::SymmetricCrossEntropy { .. } => "SCE",
            Self::ForwardCorrection { .. } => "FC",
        }
    }

    /// The degree of label smoothing or relaxation.
    pub fn alpha(&self) -> Option<f64> {
        match *self {
            Self::LabelSmoothing { alpha } | Self::LabelRelaxation { alpha } => Some(alpha),
            _ => None,
        }
    }

    /// The short name with the parameters, except a transition matrix.
    ///
    /// ```
    /// assert_eq!(memdil_losses::Loss::LabelSmoothing { alpha: 0.1 }.label(), "LS 0.1");
    /// ```
    pub fn label(&self) -> String {
        let name = self.short_name();
        match *self {
            Self::LabelSmoothing { alpha } | Self::LabelRelaxation { alpha } => {
                format!("{name} {alpha}")
            }
            Self::Focal { gamma } => format!("{name} {gamma}"),
            Self::GeneralizedCrossEntropy { q } => format!("{name} {q}"),
            Self::SymmetricCrossEntropy { alpha, beta } => format!("{name} {alpha}/{beta}"),
            Self::CrossEntropy {} | Self::Mse {} | Self::ForwardCorrection { .. } => {
                name.to_owned()
            }
        }
    }

    /// Checks the parameters.
    ///
    /// # Errors
    ///
    /// [`LossError::Parameter`] if a parameter is outside the range of its variant,
    /// [`LossError::Transition`] if the matrix is missing or not square, has a row that is not a
    /// distribution or has a column of zeros.
    pub fn validate(&self) -> Result<(), LossError> {
        let weight = |value: f64| value >= 0.0 && value.is_finite();
        match *self {
            Self::CrossEntropy {} | Self::Mse {} => Ok(()),
            Self::LabelSmoothing { alpha } => {
                self.check("alpha", alpha, (0.0..1.0).contains(&alpha), "[0, 1)")
            }
            Self::LabelRelaxation { alpha } => {
                self.check("alpha", alpha, alpha > 0.0 && alpha < 1.0, "(0, 1)")
            }
            Self::Focal { gamma } => self.check("gamma", gamma, weight(gamma), "[0, inf)"),
            Self::GeneralizedCrossEntropy { q } => {
                self.check("q", q, q > 0.0 && q <= 1.0, "(0, 1]")
            }
            Self::SymmetricCrossEntropy { alpha, beta } => {
                let sum = alpha + beta;
                self.check("alpha", alpha, weight(alpha), "[0, inf)")?;
                self.check("beta", beta, weight(beta), "[0, inf)")?;
                self.check("alpha + beta", sum, sum > 0.0, "(0, inf)")
            }
            Self::ForwardCorrection { ref transition } => {
                check_transition(transition).map_err(|reason| LossError::Transition { reason })
            }
        }
    }

    /// Checks a transition matrix against the number of classes.
    pub(crate) fn check_classes(&self, classes: usize) -> Result<(), LossError> {
        match self {
            Self::ForwardCorrection { transition } if transition.len() != classes => {
                let found = transition.len();
                let reason = format!("has {found} classes, but the logits have {classes}");
                Err(LossError::Transition { reason })
            }
            _ => Ok(()),
        }
    }

    fn check(
        &self,
        name: &'static str,
        value: f64,
        valid: bool,
        range: &'static str,
    ) -> Result<(), LossError> {
        if valid {
            return Ok(());
        }
        Err(LossError::Parameter {
            loss: self.kind(),
            name,
            value,
            range,
        })
    }

    /// The `kind` in TOML and JSON.
    fn kind(&self) -> &'static str {
        match self {
            Self::CrossEntropy {} => "cross_entropy",
            Self::LabelSmoothing { .. } => "label_smoothing",
            Self::LabelRelaxation { .. } => "label_relaxation",
            Self::Mse {} => "mse",
            Self::Focal { .. } => "focal",
            Self::GeneralizedCrossEntropy { .. } => "generalized_cross_entropy",
            Self::SymmetricCrossEntropy { .. } => "symmetric_cross_entropy",
            Self::ForwardCorrection { .. } => "forward_correction",
        }
    }
}

fn check_transition(transition: &[Vec<f64>]) -> Result<(), String> {
    let classes = transition.len();
    if classes == 0 {
        return Err("is missing; give a (classes, classes) matrix".to_owned());
    }
    for (class, row) in transition.iter().enumerate() {
        let (entries, sum) = (row.len(), row.iter().sum::<f64>());
        if entries != classes {
            return Err(format!(
                "row {class} has {entries} entries, must be {classes}"
            ));
        }
        if !row.iter().all(|p| (0.0..=1.0).contains(p)) || (sum - 1.0).abs() > 1e-6 {
            return Err(format!(
                "row {class} is not a distribution: entries must be in [0, 1] and sum to 1"
            ));
        }
    }
    match (0..classes).find(|&label| transition.iter().all(|row| row[label] <= 0.0)) {
        Some(label) => Err(format!(
            "column {label} is zero: no class is labelled {label}"
        )),
        None => Ok(()),
    }
}
