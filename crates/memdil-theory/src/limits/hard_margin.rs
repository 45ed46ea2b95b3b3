//! The hard-margin problem that gives the limit of label relaxation.

use crate::error::{TheoryError, unsupported};
use crate::margin::{LossKind, MarginLoss};
use crate::memorization_dilation::MdSetting;
use crate::optimizers::lbfgs::{self, Budget, Lowest};
use serde::Serialize;

/// The limiting geometry of label relaxation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HardMargin {
    /// Relative dilation.
    pub rho: f64,
    /// Margin of the class features.
    pub logit_clean: f64,
    /// Margin of the noisy features, which equals $z_\ast=\log((1-\alpha)/\alpha)$.
    pub logit_noisy: f64,
    /// $\lVert h_1-h_2 \rVert$.
    pub separation: f64,
    /// Memorization $\nu = \lVert h_1-u_2 \rVert$.
    pub memorization: f64,
}

/// The limit of the relative dilation of label relaxation for vanishing weight decay.
///
/// The loss is exactly 0 for margins of at least $z_\ast=\log((1-\alpha)/\alpha)$. In the limit,
/// all margins on the support must be at least $z_\ast$, at minimal decay. In the coordinates of
/// [`Plane`](crate::memorization_dilation::Plane), let $A=\lVert w_1-w_2 \rVert d$ and
/// $\tau=r/d=2\rho$, and let $\xi$, $\mu$ and $s$ now denote the ratios $\xi/d$, $\mu/d$ and $m/d$.
/// $\kappa$ is [`kappa`](crate::FeatureMeasure::kappa) of the measure. Then the smallest clean
/// margin is $A(1-\tau)$, and the noisy margin is $A\xi$. Reducing $\xi$ to $z_\ast/A$ reduces
/// decay and dilation. Hence $A=z_\ast/\xi$, and the only remaining margin constraint is
/// $\xi\le1-\tau$. The tight constraint $\tau=c d \sqrt M$ with $c=2\eta/C_{MD}$ and
/// $M=(1+\xi)^2+(s-\mu)^2$ eliminates $d$ from the decay:
///
/// $$\min \quad \frac{2\lambda_H}{c^2} \tau^2 \frac{1+s^2+\kappa\tau^2+\eta(\xi^2+\mu^2)}{M} +
///   \frac{\lambda_W c^2 z_\ast^2}{2} \frac{M}{\tau^2\xi^2}
///   \quad\text{s.t.}\quad \xi\le1-\tau, \quad s\ge1, \quad \mu\ge\xi$$
///
/// (for signed features: $s=\mu=0$). Only $\lambda_W/\lambda_H$ matters. For $z_\ast\to\infty$ the
/// second term dominates, so $M=(1+\xi)^2$ and $\xi=1-\tau$, and $\tau\xi/(1+\xi)$ is maximal at
/// $\rho=1-1/\sqrt2$, the constant of cross-entropy. The loss is from Lienen & Hüllermeier 2021;
/// the limit was derived in this project.
///
/// # Errors
/// A parameter out of range, `eta` = 0, `alpha` = 0 (cross-entropy), the Gaussian measure (on an
/// unbounded support, no margin is guaranteed), `alpha` >= 1/2 (zero features are optimal).
///
/// # Example
/// ```
/// use memdil_theory::{MdSetting, limits::label_relaxation};
/// let setting = MdSetting::new(1e-6, 1e-6).noise(0.1, 0.5);
/// assert!((label_relaxation(&setting, 0.1)?.rho - 0.2496).abs() < 1e-4);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn label_relaxation(setting: &MdSetting, alpha: f64) -> Result<HardMargin, TheoryError> {
    setting.validate()?;
    let Some(target) = MarginLoss::new(LossKind::Lr, alpha)?.target() else {
        let advice = "this is cross-entropy, whose limit is 1 - 1/sqrt(2)";
        return unsupported("the label relaxation limit at alpha = 0", advice);
    };
    if target <= 0.0 {
        let advice = "the loss is zero for zero features; choose alpha below 1/2";
        return unsupported("the label relaxation limit for alpha >= 1/2", advice);
    }
    let Some(kappa) = setting
        .measure
        .kappa(setting.dim)
        .filter(|_| setting.measure.is_bounded())
    else {
        let advice = "the support does not end at the radius; choose sphere, ball or two-point";
        return unsupported(
            "the label relaxation limit for the gaussian and for jumps",
            advice,
        );
    };
    if setting.eta <= 0.0 {
        let what = "the label relaxation limit at eta = 0";
        return unsupported(what, "rho is 0 without noise; choose a positive eta");
    }
    let problem = Problem::new(setting, kappa, target);
    let mut lower = [f64::NEG_INFINITY, 0.0, 0.0, 0.0];
    if !setting.nonnegative {
        lower = [f64::NEG_INFINITY, 0.0, f64::NEG_INFINITY, f64::NEG_INFINITY];
    }
    let budget = Budget {
        tolerance: 1e-10,
        max_iterations: 500,
        noise: 1e-14,
    };
    let mut lowest = Lowest::default();
    for tau in [-4.0, -1.0, 0.5] {
        for slack in [0.0, 0.7] {
            let mut v = [tau, slack, 0.1, 0.1];
            let end = lbfgs::minimize(|v, g| problem.log_decay(v, g), &mut v, &lower, budget);
            lowest.offer(end, v);
        }
    }
    let (_, v) = lowest.accept("hard margin", 1e-6)?;
    Ok(problem.describe(&v, target))
}

struct Problem {
    eta: f64,
    kappa: f64,
    nonnegative: bool,
    /// The factor $c$ in $\tau = c d \sqrt M$.
    gain: f64,
    /// Coefficients of the two terms.
    features: f64,
    weights: f64,
}

impl Problem {
    fn new(setting: &MdSetting, kappa: f64, target: f64) -> Self {
        let gain = 2.0 * setting.eta / setting.c_md;
        Self {
            eta: setting.eta,
            kappa,
            nonnegative: setting.nonnegative,
            gain,
            features: 2.0 * setting.lambda_h / (gain * gain),
            weights: 0.5 * setting.lambda_w * gain * gain * target * target,
        }
    }

    /// Converts the logit of $\tau$, $\log((1-\tau)/\xi)$, $\mu-\xi$ and $s-1$ to
    /// $(\tau, \xi, \mu, s)$.
    fn shape(&self, v: &[f64]) -> [f64; 4] {
        let tau = 1.0 / (1.0 + (-v[0]).exp());
        let xi = (1.0 - tau) * (-v[1]).exp();
        if self.nonnegative {
            [tau, xi, xi + v[2], 1.0 + v[3]]
        } else {
            [tau, xi, 0.0, 0.0]
        }
    }

    /// Logarithm of the decay and its gradient.
    fn log_decay(&self, v: &[f64], gradient: &mut [f64]) -> f64 {
        let [tau, xi, mu, s] = self.shape(v);
        let distance = (1.0 + xi).powi(2) + (s - mu).powi(2);
        let size = 1.0 + s * s + self.kappa * tau * tau + self.eta * (xi * xi + mu * mu);
        let features = self.features * tau * tau * size / distance;
        let weights = self.weights * distance / (tau * tau * xi * xi);
        // Derivatives of the two terms, from those of log size and log distance.
        let term = |size1: f64, distance1: f64| {
            features * (size1 / size - distance1 / distance) + weights * distance1 / distance
        };
        let d_tau = term(2.0 * self.kappa * tau, 0.0) + 2.0 * (features - weights) / tau;
        let d_xi = term(2.0 * self.eta * xi, 2.0 * (1.0 + xi)) - 2.0 * weights / xi;
        let d_mu = term(2.0 * self.eta * mu, -2.0 * (s - mu));
        let d_s = term(2.0 * s, 2.0 * (s - mu));
        let total = features + weights;
        let along_xi = if self.nonnegative { d_xi + d_mu } else { d_xi };
        gradient[0] = (tau * (1.0 - tau) * d_tau - tau * xi * along_xi) / total;
        gradient[1] = -xi * along_xi / total;
        gradient[2] = if self.nonnegative { d_mu / total } else { 0.0 };
        gradient[3] = if self.nonnegative { d_s / total } else { 0.0 };
        total.ln()
    }

    fn describe(&self, v: &[f64; 4], target: f64) -> HardMargin {
        let [tau, xi, mu, s] = self.shape(v);
        let distance = (1.0 + xi).hypot(s - mu);
        let d = tau / (self.gain * distance);
        HardMargin {
            rho: 0.5 * tau,
            logit_clean: target / xi,
            logit_noisy: target,
            separation: 2.0 * d,
            memorization: d * distance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::FeatureMeasure;

    #[test]
    fn gradient_equals_finite_differences() {
        for nonnegative in [true, false] {
            let setting = MdSetting::new(2e-3, 1e-3)
                .noise(0.3, 0.4)
                .measure(FeatureMeasure::Ball)
                .dim(4)
                .nonnegative(nonnegative);
            let problem = Problem::new(&setting, 0.5, 1.3);
            let v = [-0.4, 0.3, 0.2, 0.5];
            let mut gradient = [0.0; 4];
            problem.log_decay(&v, &mut gradient);
            for i in 0..4 {
                let (mut up, mut down) = (v, v);
                up[i] += 1e-6;
                down[i] -= 1e-6;
                let mut unused = [0.0; 4];
                let rise =
                    problem.log_decay(&up, &mut unused) - problem.log_decay(&down, &mut unused);
                assert!(
                    (rise / 2e-6 - gradient[i]).abs() < 1e-8,
                    "{nonnegative} {i}"
                );
            }
        }
    }
}
