//! Convex losses as functions of the margin of two classes.

use crate::error::{TheoryError, in_unit, parameter, unsupported};
use memdil_losses::Loss;
use serde::{Deserialize, Serialize};

/// A convex loss of the margin $z$ (the logit of the label minus the other logit), bounded below.
///
/// The solvers require the value *above the infimum*, because at small weight decay the relevant
/// part of a risk is many orders of magnitude smaller than the entropy of smoothed targets.
///
/// # Example
/// A custom loss, the squared hinge loss:
/// ```
/// use memdil_theory::{ConvexMargin, MdOutcome, MdSetting, memorization_dilation::solve};
///
/// struct SquaredHinge;
/// impl ConvexMargin for SquaredHinge {
///     fn infimum(&self) -> f64 {
///         0.0
///     }
///     fn derivatives(&self, z: f64) -> [f64; 3] {
///         let gap = (1.0 - z).max(0.0);
///         [gap * gap, -2.0 * gap, if gap > 0.0 { 2.0 } else { 0.0 }]
///     }
///     fn quadrature_nodes(&self) -> usize {
///         512 // a kink in the first derivative
///     }
/// }
///
/// let setting = MdSetting::new(1e-3, 1e-3).noise(0.1, 0.5);
/// let MdOutcome::Solved(solution) = solve(&setting, &SquaredHinge)? else { panic!() };
/// assert!(solution.rho > 0.1 && solution.rho < 0.3);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub trait ConvexMargin: Sync {
    /// Infimum of the loss over all margins (the entropy of the target, for label smoothing).
    fn infimum(&self) -> f64;

    /// `[l(z) - infimum, l'(z), l''(z)]`. The first entry must be accurate even if it is tiny.
    fn derivatives(&self, margin: f64) -> [f64; 3];

    /// The margin at which the loss bends most, or has a kink; beyond 40 on either side it is a
    /// straight line in double precision. Integrals over a segment of margins are split here.
    fn bend(&self) -> f64 {
        0.0
    }

    /// Number of quadrature nodes for expectations of this loss. Losses with kinks require more
    /// than the default.
    fn quadrature_nodes(&self) -> usize {
        64
    }
}

/// The kind of loss, with its name on the command line and in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossKind {
    /// Cross-entropy, `ce`.
    Ce,
    /// Label smoothing, `ls`.
    Ls,
    /// Label relaxation, `lr` (Lienen & Hüllermeier 2021).
    Lr,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    /// $\log(1+e^{-z})$, which has no minimiser.
    Logistic,
    /// $\mathrm{KL}((1-a, a) \Vert (\sigma(z), \sigma(-z)))$ plus the entropy of $(1-a, a)$.
    Smoothed(Well),
    /// The same divergence without the entropy, and zero for margins of at least the target.
    Relaxed(Well),
}

/// $\mathrm{KL}((1-a, a) \Vert (\sigma(z), \sigma(-z)))$, which is minimal at `target`
/// $= \log((1-a)/a)$.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Well {
    a: f64,
    target: f64,
    /// Entropy of $(1-a, a)$.
    entropy: f64,
}

/// Cross-entropy, label smoothing or label relaxation for two classes, as a function of the margin.
///
/// $$l_{CE}(z) = \log(1+e^{-z}), \quad
///   l_{LS}(z) = (1-\tfrac\alpha2)\log(1+e^{-z}) + \tfrac\alpha2\log(1+e^{z}),$$
/// $$l_{LR}(z) = \mathrm{KL}\big((1-\alpha, \alpha) \Vert (\sigma(z), \sigma(-z))\big)
///   \text{ for } z < \log\tfrac{1-\alpha}{\alpha}, \text{ and } 0 \text{ otherwise.}$$
/// where $\sigma$ is the logistic function. Sources: Nguyen et al., ICLR 2023; Lienen & Hüllermeier
/// 2021.
///
/// # Example
/// ```
/// use memdil_theory::{ConvexMargin, LossKind, MarginLoss};
/// let loss = MarginLoss::new(LossKind::Ls, 0.1)?;
/// let minimum = loss.target().unwrap();
/// assert!((minimum - 19f64.ln()).abs() < 1e-12);
/// assert!(loss.derivatives(minimum)[1].abs() < 1e-15);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Named")]
pub struct MarginLoss {
    #[serde(rename = "loss")]
    kind: LossKind,
    alpha: f64,
    #[serde(skip)]
    shape: Shape,
}

/// The two JSON keys of a loss.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    loss: LossKind,
    #[serde(default)]
    alpha: f64,
}

impl TryFrom<Named> for MarginLoss {
    type Error = TheoryError;

    fn try_from(named: Named) -> Result<Self, TheoryError> {
        Self::new(named.loss, named.alpha)
    }
}

impl TryFrom<&Loss> for MarginLoss {
    type Error = TheoryError;

    /// The same loss as a function of the margin. Squared error depends on both logits, so it
    /// cannot be converted.
    fn try_from(loss: &Loss) -> Result<Self, TheoryError> {
        match *loss {
            Loss::CrossEntropy {} => Ok(Self::cross_entropy()),
            Loss::LabelSmoothing { alpha } => Self::new(LossKind::Ls, alpha),
            Loss::LabelRelaxation { alpha } => Self::new(LossKind::Lr, alpha),
            Loss::Mse {} => unsupported(
                "squared error as a margin loss",
                "it depends on both logits, not on their difference; use ce, ls or lr",
            ),
            Loss::Focal { .. }
            | Loss::GeneralizedCrossEntropy { .. }
            | Loss::SymmetricCrossEntropy { .. }
            | Loss::ForwardCorrection { .. } => unsupported(
                "a robust loss as a margin loss",
                "the model supports ce, ls and lr only; use one of them",
            ),
        }
    }
}

impl MarginLoss {
    /// Cross-entropy.
    pub const fn cross_entropy() -> Self {
        Self {
            kind: LossKind::Ce,
            alpha: 0.0,
            shape: Shape::Logistic,
        }
    }

    /// A loss of this kind. With `alpha` = 0, label smoothing and label relaxation equal
    /// cross-entropy.
    ///
    /// # Errors
    /// An `alpha` outside [0, 1), or a non-zero `alpha` for cross-entropy.
    pub fn new(kind: LossKind, alpha: f64) -> Result<Self, TheoryError> {
        in_unit("alpha", alpha)?;
        let valid = kind != LossKind::Ce || alpha <= 0.0;
        parameter("alpha", alpha, valid, "0 for cross-entropy (use ls or lr)")?;
        let shape = match kind {
            _ if alpha <= 0.0 => Shape::Logistic,
            LossKind::Ls => Shape::Smoothed(Well::new(alpha / 2.0)),
            _ => Shape::Relaxed(Well::new(alpha)),
        };
        Ok(Self { kind, alpha, shape })
    }

    /// The kind of loss.
    pub const fn kind(&self) -> LossKind {
        self.kind
    }

    /// The strength of smoothing or relaxation.
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Smallest margin at which the loss is minimal; `None` for cross-entropy, which has no
    /// minimum.
    pub const fn target(&self) -> Option<f64> {
        match self.shape {
            Shape::Logistic => None,
            Shape::Smoothed(well) | Shape::Relaxed(well) => Some(well.target),
        }
    }
}

impl ConvexMargin for MarginLoss {
    fn infimum(&self) -> f64 {
        match self.shape {
            Shape::Smoothed(well) => well.entropy,
            _ => 0.0,
        }
    }

    #[inline]
    fn derivatives(&self, margin: f64) -> [f64; 3] {
        match self.shape {
            Shape::Logistic => logistic(margin),
            Shape::Smoothed(well) => well.derivatives(margin),
            Shape::Relaxed(well) if margin >= well.target => [0.0; 3],
            Shape::Relaxed(well) => well.derivatives(margin),
        }
    }

    fn bend(&self) -> f64 {
        match self.shape {
            Shape::Relaxed(well) => well.target,
            _ => 0.0,
        }
    }

    fn quadrature_nodes(&self) -> usize {
        match self.shape {
            Shape::Relaxed(_) => 512,
            _ => 64,
        }
    }
}

#[inline]
pub(crate) fn logistic(z: f64) -> [f64; 3] {
    let e = (-z.abs()).exp();
    let small = e / (1.0 + e);
    let value = e.ln_1p() + (-z).max(0.0);
    let slope = if z > 0.0 { small } else { 1.0 - small };
    [value, -slope, small / (1.0 + e)]
}

impl Well {
    fn new(a: f64) -> Self {
        let target = (-a).ln_1p() - a.ln();
        Self {
            a,
            target,
            entropy: -a * a.ln() - (1.0 - a) * (-a).ln_1p(),
        }
    }

    /// Value and the first two derivatives.
    ///
    /// Near the target, the value is computed as $\log(1 + b(e^{-\delta}-1)) + b\delta$, where
    /// $\delta$ is the distance from the target and $b$ is the target probability of the class
    /// whose predicted probability shrinks. This avoids cancellation with the entropy. Far below
    /// the target, the entropy is small compared with the value, so it can be subtracted directly.
    #[inline]
    fn derivatives(&self, z: f64) -> [f64; 3] {
        const FAR: f64 = -1.0;
        let offset = z - self.target;
        if offset < FAR {
            let [value, slope, curve] = logistic(z);
            return [value + (self.a * z - self.entropy), slope + self.a, curve];
        }
        let (b, rest) = if offset >= 0.0 {
            (self.a, 1.0 - self.a)
        } else {
            (1.0 - self.a, self.a)
        };
        let distance = offset.abs();
        let x = (-distance).exp_m1();
        let shift = b * x;
        let scale = 1.0 / (1.0 + shift);
        let slope = -shift * rest * scale;
        [
            shift.ln_1p() + b * distance,
            if offset >= 0.0 { slope } else { -slope },
            b * (1.0 + x) * scale * rest * scale,
        ]
    }
}

#[cfg(test)]
mod tests;
