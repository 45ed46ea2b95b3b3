//! The limits of the three losses.

use super::hard_margin::label_relaxation;
use super::jumps::jumps;
use crate::error::{TheoryError, unsupported};
use crate::margin::{LossKind, MarginLoss};
use crate::measure::FeatureMeasure;
use crate::memorization_dilation::MdSetting;
use serde::Serialize;
use serde_with::skip_serializing_none;

/// The limit $\rho \to 1 - 1/\sqrt2$ of cross-entropy, for all $\eta > 0$, all $C_{MD}$ and all
/// measures whose support along $w = w_1-w_2$ extends exactly to $\pm r$.
///
/// Margins grow without bound, so only the smallest margins matter: the clean margin $A(1-2\rho)$
/// equals the noisy margin $A\xi/d$, with $d$ and $\xi$ of
/// [`Plane`](crate::memorization_dilation::Plane) and $A=\lVert w \rVert d$. At fixed norms both
/// are proportional to $\rho(1-2\rho)/(1-\rho)$, which is maximal at this constant. Convergence is
/// logarithmic in $1/\lambda$.
///
/// ```
/// let value = |rho: f64| rho * (1.0 - 2.0 * rho) / (1.0 - rho);
/// let best = value(memdil_theory::limits::CROSS_ENTROPY);
/// assert!(best > value(0.292) && best > value(0.294));
/// ```
pub const CROSS_ENTROPY: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;

/// The small-decay law of label smoothing: the relative dilation vanishes like $\lambda_W^{1/4}$.
///
/// $$\rho \sim \sqrt{\frac{\eta}{C_{MD}}}
///   \left(\frac{\lambda_W}{\alpha(1-\alpha/2)E[t^2]}\right)^{1/4}$$
///
/// with $E[t^2]$ from [`crate::FeatureMeasure::margin_variance`]. The clean and the noisy margins
/// converge to the finite minimiser $z_\ast$ of the loss, and $\nu \to \lVert h_1-h_2 \rVert$.
/// $\rho$ balances the cost of the spread of margins,
/// $l^{\prime\prime}(z_\ast) z_\ast^2 \rho^2 E[t^2]$ per class, against the decay of the weights.
///
/// # Errors
/// A parameter out of range, or `alpha` = 0, which is cross-entropy.
///
/// # Example
/// ```
/// use memdil_theory::{MdSetting, limits};
/// let setting = MdSetting::new(1e-9, 1e-9).noise(0.1, 0.5);
/// let rho = limits::label_smoothing(&setting, 0.1)?;
/// assert!((rho - 0.00538).abs() < 1e-5);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn label_smoothing(setting: &MdSetting, alpha: f64) -> Result<f64, TheoryError> {
    setting.validate()?;
    let loss = smoothing(alpha)?;
    let Some(variance) = setting.measure.margin_variance(setting.dim) else {
        let advice = "use limits::jumps";
        return unsupported("the label smoothing law for jumps", advice);
    };
    let curvature = loss.alpha() * (1.0 - 0.5 * loss.alpha()) * variance;
    Ok((setting.eta / setting.c_md).sqrt() * (setting.lambda_w / curvature).powf(0.25))
}

/// The small-decay law of label smoothing for $N$ classes and the sphere in $R^P$; see
/// [`memorization_dilation::classes`](crate::memorization_dilation::classes).
///
/// $$\rho \sim \sqrt{\frac{\eta}{C_{MD}}}
///   \left(\frac{2\lambda_W(N-1)P}{N(1-\lVert \pi \rVert^2)}\right)^{1/4}, \qquad
///   \pi = (1-\alpha)e_k + \alpha/N$$
///
/// where $\pi$ is the smoothed target and $P$ is the feature dimension, `dim` of the setting.
/// For two classes it equals [`label_smoothing`].
///
/// # Errors
/// A parameter out of range, `alpha` = 0, fewer than two classes, a measure other than the sphere.
///
/// # Example
/// ```
/// use memdil_theory::{MdSetting, limits};
/// let setting = MdSetting::new(1e-8, 1e-8).noise(0.1, 0.5);
/// let two = limits::label_smoothing_classes(&setting, 0.1, 2)?;
/// assert!((two / limits::label_smoothing(&setting, 0.1)? - 1.0).abs() < 1e-12);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn label_smoothing_classes(
    setting: &MdSetting,
    alpha: f64,
    classes: usize,
) -> Result<f64, TheoryError> {
    setting.validate_for(classes)?;
    smoothing(alpha)?;
    let (n, p) = (classes as f64, setting.dim as f64);
    let other = alpha / n;
    let own = 1.0 - alpha + other;
    // 1 - own^2 - (n - 1) other^2 without cancellation, using own = 1 - (n - 1) other.
    let spread = (n - 1.0) * other * (1.0 + own - other);
    let inner = 2.0 * setting.lambda_w * (n - 1.0) * p / (n * spread);
    Ok((setting.eta / setting.c_md).sqrt() * inner.powf(0.25))
}

fn smoothing(alpha: f64) -> Result<MarginLoss, TheoryError> {
    let loss = MarginLoss::new(LossKind::Ls, alpha)?;
    if loss.target().is_none() {
        let advice = "this is cross-entropy, whose limit is 1 - 1/sqrt(2)";
        return unsupported("the label smoothing law at alpha = 0", advice);
    }
    Ok(loss)
}

/// The limits of the three losses; for jumps, the [laws](jumps) at the decay of the setting. The
/// field names are the JSON keys.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Limits {
    /// [`CROSS_ENTROPY`]; `None` for the Gaussian, whose support is unbounded.
    pub rho_ce: Option<f64>,
    /// [`label_smoothing`] for `lambda_w` of the setting.
    pub rho_ls: f64,
    /// [`label_relaxation`]; `None` for the Gaussian and for `alpha` of at least 1/2.
    pub rho_lr: Option<f64>,
}

/// All limits for a setting and an `alpha`, which applies to smoothing and relaxation.
///
/// # Errors
/// Same as the individual functions, except that a limit that does not exist is not an error.
///
/// # Example
/// ```
/// use memdil_theory::{MdSetting, limits::limits};
/// let setting = MdSetting::new(1e-6, 1e-6).noise(0.1, 0.5);
/// let found = limits(&setting, 0.1)?;
/// assert!(found.rho_ls < found.rho_lr.unwrap() && found.rho_lr < found.rho_ce);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn limits(setting: &MdSetting, alpha: f64) -> Result<Limits, TheoryError> {
    if setting.measure == FeatureMeasure::Jumps {
        let law = |kind, alpha| Ok(jumps(setting, &MarginLoss::new(kind, alpha)?)?.dilation.rho);
        return Ok(Limits {
            rho_ce: Some(law(LossKind::Ce, 0.0)?),
            rho_ls: law(LossKind::Ls, alpha)?,
            rho_lr: supported(law(LossKind::Lr, alpha))?,
        });
    }
    let rho_ls = label_smoothing(setting, alpha)?;
    let rho_lr = supported(label_relaxation(setting, alpha).map(|limit| limit.rho))?;
    Ok(Limits {
        rho_ce: setting.measure.is_bounded().then_some(CROSS_ENTROPY),
        rho_ls,
        rho_lr,
    })
}

/// `None` for a limit that does not exist.
fn supported(limit: Result<f64, TheoryError>) -> Result<Option<f64>, TheoryError> {
    match limit {
        Ok(rho) => Ok(Some(rho)),
        Err(TheoryError::Unsupported { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
