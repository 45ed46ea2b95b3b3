//! The small-decay law of the model with jumps.

use crate::error::{TheoryError, unsupported};
use crate::jumps::{JumpDilation, Jumps};
use crate::margin::{ConvexMargin, MarginLoss};
use crate::measure::FeatureMeasure;
use crate::memorization_dilation::MdSetting;
use crate::quadrature::GaussRule;
use serde::Serialize;

/// The solution of the model with jumps for small decay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JumpLaw {
    /// Margin $A$ of the class features.
    pub logit_clean: f64,
    /// Margin $N$ of the noisy features.
    pub logit_noisy: f64,
    /// $\lVert w_1-w_2 \rVert$.
    pub omega: f64,
    /// The dilation of the unseen features.
    #[serde(flatten)]
    pub dilation: JumpDilation,
}

/// The small-decay law of [jumps](FeatureMeasure::Jumps): the share of displaced samples vanishes
/// like $\lambda_W^{1/3}$, and $\rho$ like $\lambda_W^{1/6}$; under cross-entropy with logarithmic
/// factors, of which that of $\rho$ is $\log(1/\lambda)^{1/6}$.
///
/// At small decay the features are small, so few samples are displaced. Jumps then cost
/// $\frac{4\eta}{C_{MD}\omega} S(A, N)$ with
/// $S = \int_{-N}^{A} (l(z)-\inf l) dz$ and $\omega = \lVert w_1-w_2 \rVert$, and the weights
/// $\lambda_W \omega^2/2$:
///
/// $$\omega^3 = \frac{4\eta S}{C_{MD}\lambda_W}, \qquad k = \frac{2\eta (A+N)}{C_{MD}\omega}.$$
///
/// Under label smoothing and relaxation both margins converge to the target of the loss. Under
/// cross-entropy they grow without bound, $N$ like $\frac13\log(1/\lambda)$ and $A$ like
/// $\frac53\log(1/\lambda)$: noisy features are at a fifth of the distance of the class feature from the border.
/// They are the solutions of
/// $e^{-N} = 2N/(C_{MD}\omega)$ and $e^{-A} = 4\lambda_H A/\omega^2$ (signed features: 2).
///
/// Source: derived in this project.
///
/// # Errors
/// A parameter out of range, no noise, a measure other than jumps, relaxation with `alpha` of at
/// least 1/2, whose loss is zero at zero.
///
/// # Example
/// ```
/// use memdil_theory::{FeatureMeasure, MarginLoss, MdSetting, limits};
/// let at = |lambda| MdSetting::new(lambda, lambda).noise(0.1, 0.5).measure(FeatureMeasure::Jumps);
/// let loss = MarginLoss::new(memdil_theory::LossKind::Ls, 0.1)?;
/// let rho = |lambda| Ok::<_, memdil_theory::TheoryError>(limits::jumps(&at(lambda), &loss)?.dilation.rho);
/// let slope = (rho(1e-9)? / rho(1e-12)?).ln() / 1000f64.ln();
/// assert!((slope - 1.0 / 6.0).abs() < 1e-3);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn jumps(setting: &MdSetting, loss: &MarginLoss) -> Result<JumpLaw, TheoryError> {
    setting.validate()?;
    if setting.measure != FeatureMeasure::Jumps {
        return unsupported("the law of jumps for another measure", "use limits::limits");
    }
    if setting.eta <= 0.0 {
        return unsupported("the law of jumps at eta = 0", "choose a positive eta");
    }
    let (clean, noisy) = match loss.target() {
        Some(target) if target <= 0.0 => {
            let advice = "the loss is zero for zero features; choose alpha below 1/2";
            return unsupported("the law of jumps for alpha >= 1/2", advice);
        }
        Some(target) => (target, target),
        None => growing_margins(setting, loss),
    };
    let omega = omega(setting, loss, clean, noisy);
    let dose = 2.0 * setting.eta * (clean + noisy) / (setting.c_md * omega);
    Ok(JumpLaw {
        logit_clean: clean,
        logit_noisy: noisy,
        omega,
        dilation: JumpDilation::new(Jumps::new(dose)?, noisy / clean, 1.0, 1.0),
    })
}

fn omega(setting: &MdSetting, loss: &MarginLoss, clean: f64, noisy: f64) -> f64 {
    let cost = 4.0 * setting.eta * area(loss, -noisy, clean) / setting.c_md;
    (cost / setting.lambda_w).cbrt()
}

/// $\int_{\text{low}}^{\text{high}} (l(z)-\inf l) dz$.
fn area(loss: &MarginLoss, low: f64, high: f64) -> f64 {
    let rule = GaussRule::cached(FeatureMeasure::Jumps, 1, 64);
    let piece = |low: f64, high: f64| {
        let half = 0.5 * (high - low);
        let term = |(t, weight)| weight * loss.derivatives(low + half * (1.0 + t))[0];
        2.0 * half * rule.pairs().map(term).sum::<f64>()
    };
    piece(low, 0.0) + piece(0.0, high)
}

/// The margins of cross-entropy, by fixed-point iteration from the leading terms.
fn growing_margins(setting: &MdSetting, loss: &MarginLoss) -> (f64, f64) {
    let logs = (1.0 / setting.lambda_w.min(0.1)).ln();
    let (mut clean, mut noisy) = (logs * 5.0 / 3.0, logs / 3.0);
    let across = if setting.nonnegative { 4.0 } else { 2.0 };
    for _ in 0..200 {
        let omega = omega(setting, loss, clean, noisy);
        // Halved steps, because the iteration alternates around its fixed point.
        let target = (setting.c_md * omega / (2.0 * noisy)).ln().max(1e-3);
        noisy = 0.5 * (noisy + target);
        let target = (omega * omega / (across * setting.lambda_h * clean)).ln();
        clean = 0.5 * (clean + target.max(noisy));
    }
    (clean, noisy)
}
