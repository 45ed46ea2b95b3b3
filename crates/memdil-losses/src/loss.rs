//! The closed set of losses: names, parameters, checks.

use serde::{Deserialize, Serialize};

use crate::LossError;

/// A classification loss on logits, averaged over the batch (natural logarithm).
///
/// With $K$ classes, label $y$, $p = \operatorname{softmax}(z)$:
///
/// | variant | formula | source |
/// | --- | --- | --- |
/// | `CrossEntropy` | $-\log p_y$ | |
/// | `LabelSmoothing` | $-\sum_j t_j \log p_j$ with $t = (1-\alpha) e_y + \alpha/K$ | Szegedy et al. 2016 |
/// | `LabelRelaxation` | $0$ if $p_y \ge 1-\alpha$, else $\mathrm{KL}(q \,\|\, p)$ with $q_y = 1-\alpha$, $q_j = \alpha p_j/(1-p_y)$ | Lienen and Hüllermeier 2021 |
/// | `Mse` | $\frac1K \lVert z - e_y \rVert^2$ | |
///
/// In TOML and JSON a loss is a table with its `kind`:
/// `{ kind = "label_smoothing", alpha = 0.1 }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// Cross-entropy (CE).
    CrossEntropy {},
    /// Label smoothing (LS): the target keeps $1-\alpha+\alpha/K$ on the label.
    LabelSmoothing {
        /// Smoothing degree, in `[0, 1)`.
        alpha: f64,
    },
    /// Label relaxation (LR): no loss once the label has probability $1-\alpha$.
    LabelRelaxation {
        /// Relaxation degree, in `(0, 1)`.
        alpha: f64,
    },
    /// Mean squared error of the logits against the one-hot label.
    Mse {},
}

impl Loss {
    /// The abbreviation used in tables and figures: `CE`, `LS`, `LR`, `MSE`.
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
        }
    }

    /// The parameter, where the loss has one.
    pub fn alpha(&self) -> Option<f64> {
        match *self {
            Self::LabelSmoothing { alpha } | Self::LabelRelaxation { alpha } => Some(alpha),
            Self::CrossEntropy {} | Self::Mse {} => None,
        }
    }

    /// The short name with the parameter.
    ///
    /// ```
    /// assert_eq!(memdil_losses::Loss::LabelSmoothing { alpha: 0.1 }.label(), "LS 0.1");
    /// ```
    pub fn label(&self) -> String {
        let name = self.short_name();
        self.alpha().map_or_else(|| name.to_owned(), |alpha| format!("{name} {alpha}"))
    }

    /// Checks the parameters.
    ///
    /// # Errors
    ///
    /// [`LossError::Alpha`] when `alpha` is outside `[0, 1)` for label smoothing or `(0, 1)` for label
    /// relaxation.
    pub fn validate(&self) -> Result<(), LossError> {
        let (loss, alpha, valid, range) = match *self {
            Self::CrossEntropy {} | Self::Mse {} => return Ok(()),
            Self::LabelSmoothing { alpha } => ("label_smoothing", alpha, (0.0..1.0).contains(&alpha), "[0, 1)"),
            Self::LabelRelaxation { alpha } => ("label_relaxation", alpha, alpha > 0.0 && alpha < 1.0, "(0, 1)"),
        };
        if valid { Ok(()) } else { Err(LossError::Alpha { loss, alpha, range }) }
    }
}
