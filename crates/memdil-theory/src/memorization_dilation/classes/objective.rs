//! The risk of a symmetric configuration of $N$ classes.

use super::cloud::Cloud;
use super::outcome::ClassesSolution;
use crate::margin::{ConvexMargin, LossKind, MarginLoss, logistic};
use crate::memorization_dilation::balance::balanced_margin;
use crate::memorization_dilation::setting::MdSetting;
use crate::optimizers::lbfgs::Minimum;
use std::f64::consts::SQRT_2;

/// The risk above its infimum. The first two variables are $\log A$ and $\log g$, with the clean
/// logit gap $A=\omega g$ and the size $g = b-c$. The others are the inverse hyperbolic sines of
/// the ratios $c/g$, $A/g$, $B/g$ and $D/g$ (for signed features: $A/g$ and $B/g$), where $A$, $B$
/// and $D$ are the coefficients of noisy features.
pub(super) struct Symmetric<'a> {
    setting: &'a MdSetting,
    loss: &'a MarginLoss,
    n: f64,
    cloud: Cloud,
    /// $\sqrt2\eta/C_{MD}$. The ratio of radius to size is this times the memorization.
    gain: f64,
}

/// Coordinates, divided by $g$, of a class feature ($1+c$ and $c$) and of a noisy feature.
struct Coordinates {
    c: f64,
    at_true: f64,
    at_label: f64,
    at_other: f64,
}

/// The optimum without noise. Its excess is a lower bound for that with noise.
pub(super) struct NoiseFree {
    /// Logit gap.
    pub(super) gap: f64,
    /// Size $g$.
    pub(super) size: f64,
    pub(super) excess: f64,
}

impl<'a> Symmetric<'a> {
    pub(super) fn new(
        setting: &'a MdSetting,
        loss: &'a MarginLoss,
        classes: usize,
        cloud: Cloud,
    ) -> Self {
        Self {
            setting,
            loss,
            n: classes as f64,
            cloud,
            gain: SQRT_2 * setting.eta / setting.c_md,
        }
    }

    /// Smoothed target of a class other than the label; 0 for losses without smoothing.
    fn smoothing(&self) -> f64 {
        if self.loss.kind() == LossKind::Ls {
            self.loss.alpha() / self.n
        } else {
            0.0
        }
    }

    fn entropy(&self) -> f64 {
        let other = self.smoothing();
        if other > 0.0 {
            let missing = (self.n - 1.0) * other;
            -(1.0 - missing) * (-missing).ln_1p() - missing * other.ln()
        } else {
            0.0
        }
    }

    pub(super) fn infimum(&self) -> f64 {
        self.n * (1.0 + self.setting.eta) * self.entropy()
    }

    /// Excess of the loss and its derivatives with respect to `behind` and `lead`. `behind` is the
    /// logit of the label minus the log-sum-exp of the other logits; `lead` is the sum of the
    /// differences between the logit of the label and each other logit.
    #[inline]
    fn margin_loss(&self, behind: f64, lead: f64, entropy: f64) -> (f64, f64, f64) {
        let other = self.smoothing();
        if self.loss.kind() == LossKind::Lr {
            // Label relaxation depends only on the probability of the label, that is, on this
            // margin.
            let [value, slope, _] = self.loss.derivatives(behind);
            return (value, slope, 0.0);
        }
        let [value, slope, _] = logistic(behind);
        (value + other * lead - entropy, slope, other)
    }

    /// Excess and its derivative with respect to the gap, if all other logits are equal.
    fn simple(&self, gap: f64) -> (f64, f64) {
        let lead = (self.n - 1.0) * gap;
        let behind = gap - (self.n - 1.0).ln();
        let (value, by_behind, by_lead) = self.margin_loss(behind, lead, self.entropy());
        (value, by_behind + (self.n - 1.0) * by_lead)
    }

    pub(super) fn excess_at_zero(&self) -> f64 {
        self.n * (1.0 + self.setting.eta) * self.simple(0.0).0
    }

    /// Derivative of the decay of weights and class features with respect to the gap.
    fn decay_slope(&self) -> f64 {
        let s = self.setting;
        let shared = (s.lambda_w * s.lambda_h).sqrt();
        let ratio = (self.n - 1.0) / self.n;
        2.0 * shared * if s.nonnegative { ratio.sqrt() } else { ratio }
    }

    /// Zero is optimal if not even noisy features at the class feature of their label reduce the
    /// risk.
    pub(super) fn is_collapsed(&self) -> bool {
        -self.simple(0.0).1 * (1.0 + self.setting.eta).sqrt() <= self.decay_slope()
    }

    pub(super) fn noise_free(&self) -> NoiseFree {
        let decay = self.decay_slope();
        let gap = balanced_margin(|gap| self.simple(gap).1, decay);
        let s = self.setting;
        let count = if s.nonnegative { self.n - 1.0 } else { self.n };
        NoiseFree {
            gap,
            size: (gap * (s.lambda_w * count / (self.n * s.lambda_h)).sqrt()).sqrt(),
            excess: self.n * (self.simple(gap).0 + gap * decay),
        }
    }

    pub(super) fn lower(&self) -> Vec<f64> {
        let free = f64::NEG_INFINITY;
        if self.setting.nonnegative {
            vec![free, free, 0.0, 0.0, 0.0, 0.0]
        } else {
            vec![free; 4]
        }
    }

    /// A starting point whose noisy features have the coordinates `shape.0` along their true class
    /// and `shape.1` along the class of their label.
    pub(super) fn point(&self, log_a: f64, log_g: f64, shape: (f64, f64)) -> Vec<f64> {
        let (own, label) = (shape.0.asinh(), shape.1.asinh());
        if self.setting.nonnegative {
            vec![log_a, log_g, 0.0, own, label, 0.0]
        } else {
            vec![log_a, log_g, own, label]
        }
    }

    fn shape(&self, x: &[f64]) -> Coordinates {
        if self.setting.nonnegative {
            Coordinates {
                c: x[2].sinh(),
                at_true: x[3].sinh(),
                at_label: x[4].sinh(),
                at_other: x[5].sinh(),
            }
        } else {
            let (own, label) = (x[2].sinh(), x[3].sinh());
            let mean = (own + label) / self.n;
            Coordinates {
                c: -1.0 / self.n,
                at_true: own - mean,
                at_label: label - mean,
                at_other: -mean,
            }
        }
    }

    /// Logarithm of the excess and its gradient.
    pub(super) fn log_excess(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let (s, n) = (self.setting, self.n);
        let shape = self.shape(x);
        let (a, g2) = (x[0].exp(), (2.0 * x[1]).exp());
        let Coordinates {
            c,
            at_true,
            at_label,
            at_other,
        } = shape;
        let apart = [1.0 + c - at_true, c - at_label, c - at_other];
        let count = [1.0, 1.0, n - 2.0];
        let relative: f64 = apart.iter().zip(count).map(|(v, k)| k * v * v).sum();
        let spread = self.gain * self.gain * g2 * relative;

        let (mean, by_a, by_spread) = self.expectation(a, spread.sqrt());
        let class_size = (1.0 + c).powi(2) + (n - 1.0) * c * c;
        let noisy_size = at_true * at_true + at_label * at_label + (n - 2.0) * at_other * at_other;
        let features = n * s.lambda_h * g2;
        let weights = s.lambda_w * (n - 1.0) * a * a / g2;
        let (noisy, noisy_slopes) = self.noisy_loss(a, &shape);
        let size = class_size + spread + s.eta * noisy_size;
        let excess = n * mean + features * size + weights + n * s.eta * noisy;

        let by_spread = n * by_spread + features;
        let mut by_apart = [0.0; 3];
        for i in 0..3 {
            by_apart[i] = by_spread * self.gain * self.gain * g2 * 2.0 * count[i] * apart[i];
        }
        let own = [at_true, at_label, at_other];
        let mut by_noisy = [0.0; 3];
        let mut by_log_a = n * a * by_a + 2.0 * weights;
        for i in 0..3 {
            by_log_a += n * s.eta * a * noisy_slopes[i] * own[i];
            by_noisy[i] = n * s.eta * a * noisy_slopes[i]
                + 2.0 * features * s.eta * count[i] * own[i]
                - by_apart[i];
        }
        gradient[0] = by_log_a / excess;
        gradient[1] = (2.0 * by_spread * spread
            + 2.0 * features * (class_size + spread + s.eta * noisy_size)
            - 2.0 * features * spread
            - 2.0 * weights)
            / excess
            + 2.0 * features * spread / excess;
        if s.nonnegative {
            let by_c = by_apart.iter().sum::<f64>() + 2.0 * features * (1.0 + n * c);
            for (i, value) in [by_c, by_noisy[0], by_noisy[1], by_noisy[2]]
                .into_iter()
                .enumerate()
            {
                gradient[i + 2] = value * x[i + 2].cosh() / excess;
            }
        } else {
            let shared = by_noisy.iter().sum::<f64>() / n;
            gradient[2] = (by_noisy[0] - shared) * x[2].cosh() / excess;
            gradient[3] = (by_noisy[1] - shared) * x[3].cosh() / excess;
        }
        excess.ln()
    }

    /// Mean excess of the clean loss and its derivatives with respect to $A$ and $(r/g)^2$.
    fn expectation(&self, a: f64, tau: f64) -> (f64, f64, f64) {
        let entropy = self.entropy();
        let (mut value, mut by_a, mut by_tau) = (0.0, 0.0, 0.0);
        for (t, weight) in self.cloud.points() {
            for sign in [0.5, -0.5] {
                // Logits divided by a: 1 + tau t_0 for the label, tau t_i for the others.
                let scale = 2.0 * sign * tau * a;
                let top = t[1..]
                    .iter()
                    .map(|t| scale * t)
                    .fold(f64::NEG_INFINITY, f64::max);
                let (mut sum, mut sum_t) = (0.0, 0.0);
                for t in &t[1..] {
                    let e = (scale * t - top).exp();
                    sum += e;
                    sum_t += e * t;
                }
                let behind = a + scale * t[0] - top - sum.ln();
                // The part of the lead that depends on t cancels between a point and its mirror
                // image.
                let (loss, by_behind, by_lead) =
                    self.margin_loss(behind, (self.n - 1.0) * a, entropy);
                let half = 0.5 * weight;
                value += half * loss;
                by_a += half * (by_behind + (self.n - 1.0) * by_lead);
                by_tau += weight * sign * by_behind * (t[0] - sum_t / sum);
            }
        }
        // Above, by_a and by_tau treat the product a tau as an independent variable.
        let total_a = by_a + tau * by_tau;
        (value, total_a, 0.5 * a * by_tau / tau.max(1e-12))
    }

    /// Excess of the loss of noisy samples and its derivatives with respect to the logits of the
    /// true class, the label and the others.
    fn noisy_loss(&self, a: f64, shape: &Coordinates) -> (f64, [f64; 3]) {
        let (own, label, other) = (a * shape.at_true, a * shape.at_label, a * shape.at_other);
        let rest = self.n - 2.0;
        let top = own.max(other);
        let (e_true, e_other) = ((own - top).exp(), rest * (other - top).exp());
        let sum = e_true + e_other;
        let behind = label - top - sum.ln();
        let lead = label * (self.n - 1.0) - own - rest * other;
        let (value, by_behind, by_lead) = self.margin_loss(behind, lead, self.entropy());
        let slopes = [
            -by_behind * e_true / sum - by_lead,
            by_behind + by_lead * (self.n - 1.0),
            -by_behind * e_other / sum - by_lead * rest,
        ];
        (value, slopes)
    }

    pub(super) fn describe(&self, x: &[f64], end: &Minimum) -> ClassesSolution {
        let (n, shape) = (self.n, self.shape(x));
        let (a, g) = (x[0].exp(), x[1].exp());
        let relative = (1.0 + shape.c - shape.at_true).powi(2)
            + (shape.c - shape.at_label).powi(2)
            + (n - 2.0) * (shape.c - shape.at_other).powi(2);
        let memorization = g * relative.sqrt();
        let separation = SQRT_2 * g;
        let rho = self.setting.eta * memorization / self.setting.c_md;
        let radius = rho * separation;
        let allowed = self.setting.c_md * radius / separation;
        ClassesSolution {
            risk: self.infimum() + end.value.exp(),
            radius,
            separation,
            rho,
            memorization,
            feature_sq_norm: g * g * ((1.0 + shape.c).powi(2) + (n - 1.0) * shape.c * shape.c),
            logit_clean: a,
            logit_noisy: a * (shape.at_label - shape.at_true),
            constraint_residual: (self.setting.eta * memorization / allowed - 1.0).abs(),
            stationarity: end.residual,
            iterations: end.iterations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_equals_finite_differences() {
        for (kind, alpha) in [
            (LossKind::Ce, 0.0),
            (LossKind::Ls, 0.2),
            (LossKind::Lr, 0.2),
        ] {
            let loss = MarginLoss::new(kind, alpha).unwrap();
            for (classes, dim, nonnegative) in [(2, 2, true), (4, 4, true), (4, 9, false)] {
                let setting = MdSetting::new(3e-3, 1e-3)
                    .noise(0.2, 0.4)
                    .dim(dim)
                    .nonnegative(nonnegative);
                let cloud = Cloud::rough(classes, dim);
                let problem = Symmetric::new(&setting, &loss, classes, cloud);
                let x = [1.2, -0.4, 0.1, 0.3, 0.5, 0.2];
                let x = &x[..problem.lower().len()];
                let mut gradient = vec![0.0; x.len()];
                problem.log_excess(x, &mut gradient);
                let mut unused = vec![0.0; x.len()];
                for i in 0..x.len() {
                    let (mut up, mut down) = (x.to_vec(), x.to_vec());
                    up[i] += 1e-5;
                    down[i] -= 1e-5;
                    let rise = problem.log_excess(&up, &mut unused);
                    let slope = (rise - problem.log_excess(&down, &mut unused)) / 2e-5;
                    assert!((slope - gradient[i]).abs() < 1e-8, "{kind:?} {classes} {i}");
                }
            }
        }
    }
}
