//! The reduced problem: the risk as a smooth function of five variables.

use super::jet::{Jet, LOG_A, LOG_D, M, MU, XI};
use super::segment::Segment;
use super::setting::MdSetting;
use crate::margin::ConvexMargin;
use crate::optimizers::newton::Quadratic;
use crate::quadrature::GaussRule;
use std::sync::Arc;

/// The risk above its infimum, as a function of the variables that remain after using the symmetry
/// and the tight constraint.
///
/// With $x$ along $w = w_1-w_2$ and $y$ orthogonal to it, $h_1=(d,m)$, $h_2=(-d,m)$,
/// $u_1=(\xi,\mu)$ and $u_2=(-\xi,\mu)$. The optimised variables are independent of scale: $\log A$
/// with the clean logit $A=\lVert w \rVert d$, $\log d$, $\xi/d$, $\mu/d$ and $m/d$. The constraint
/// is tight, so
///
/// $$r = \tfrac{2\eta}{C_{MD}} \nu d, \qquad \nu = \sqrt{(d+\xi)^2+(m-\mu)^2}, \qquad
///   \rho = \eta\nu/C_{MD},$$
/// $$\text{risk} = 2E_t[l(A(1+tr/d))] + 2\lambda_H(d^2+m^2+\kappa r^2) +
///   \tfrac{\lambda_W}{2}\frac{A^2}{d^2} + 2\eta[l(A\xi/d)+\lambda_H(\xi^2+\mu^2)].$$
///
/// Because $t$ is symmetric, the expectation is smooth in $r^2$, and $r^2$ is smooth in the
/// variables, although $\nu$ itself is not differentiable at 0. For
/// [jumps](crate::FeatureMeasure::Jumps) the expectations are over the displacement instead.
pub struct Reduced<'a, L: ?Sized> {
    pub(super) setting: &'a MdSetting,
    loss: &'a L,
    unseen: Unseen,
}

/// The distribution of unseen features.
enum Unseen {
    /// A symmetric measure around the class feature.
    Spread {
        rule: Arc<GaussRule>,
        /// $(2\eta/C_{MD})^2$.
        gain: f64,
        kappa: f64,
    },
    Jumps(Segment),
}

/// Sums over the quadrature nodes for value, gradient and Hessian of the expectation.
#[derive(Default)]
struct NodeSums {
    value: f64,
    slope: f64,
    slope_t: f64,
    curve: f64,
    curve_t: f64,
    curve_tt: f64,
}

impl<'a, L: ConvexMargin + ?Sized> Reduced<'a, L> {
    /// Creates the problem with the default number of quadrature nodes of the loss.
    pub fn new(setting: &'a MdSetting, loss: &'a L) -> Self {
        Self::with_nodes(setting, loss, loss.quadrature_nodes())
    }

    pub(crate) fn with_nodes(setting: &'a MdSetting, loss: &'a L, nodes: usize) -> Self {
        let gain = 2.0 * setting.eta / setting.c_md;
        let unseen = match setting.measure.kappa(setting.dim) {
            Some(kappa) => Unseen::Spread {
                rule: GaussRule::cached(setting.measure, setting.dim, nodes),
                gain: gain.powi(2),
                kappa,
            },
            None => Unseen::Jumps(Segment::new(gain, nodes)),
        };
        Self {
            setting,
            loss,
            unseen,
        }
    }

    /// All terms except the expected loss. `extra` is the expected square of the deviation from the
    /// class feature, over $d^2$.
    fn penalty(&self, y: &[f64; 5], extra: f64) -> f64 {
        let s = self.setting;
        let a = y[LOG_A].exp();
        let d2 = (2.0 * y[LOG_D]).exp();
        let size = 1.0 + y[M] * y[M] + s.eta * (y[XI] * y[XI] + y[MU] * y[MU]);
        2.0 * s.lambda_h * d2 * (size + extra)
            + 0.5 * s.lambda_w * a * a / d2
            + 2.0 * s.eta * self.loss.derivatives(a * y[XI])[0]
    }

    /// Risk above the infimum $2(1+\eta)\inf l$ at $(\log A, \log d, \xi/d, \mu/d, m/d)$.
    pub fn excess(&self, y: &[f64; 5]) -> f64 {
        let (mean, extra) = match &self.unseen {
            Unseen::Spread { rule, gain, kappa } => {
                let spread = spread(y, *gain);
                let (a, tau) = (y[LOG_A].exp(), spread.sqrt());
                let term = |(t, weight)| weight * self.loss.derivatives(a * (1.0 + tau * t))[0];
                (rule.pairs().map(term).sum(), kappa * spread)
            }
            Unseen::Jumps(segment) => segment.values(y, self.loss),
        };
        2.0 * mean + self.penalty(y, extra)
    }

    /// [`Self::excess`] with its gradient and Hessian.
    pub fn excess_derivatives(&self, y: &[f64; 5]) -> (f64, [f64; 5], [[f64; 5]; 5]) {
        let mut sum = Quadratic {
            value: 0.0,
            gradient: [0.0; 5],
            hessian: [[0.0; 5]; 5],
        };
        let extra = match &self.unseen {
            Unseen::Spread { rule, gain, kappa } => {
                let spread = spread_jet(y, *gain);
                sum.value += self.penalty(y, kappa * spread.value);
                self.add_spread_loss(y, rule, &spread, &mut sum);
                spread.scaled(*kappa)
            }
            Unseen::Jumps(segment) => {
                let (loss, extra) = segment.jets(y, self.loss);
                sum.value += self.penalty(y, extra.value) + 2.0 * loss.value;
                for i in 0..5 {
                    sum.gradient[i] += 2.0 * loss.first[i];
                    for j in 0..5 {
                        sum.hessian[i][j] += 2.0 * loss.second[i][j];
                    }
                }
                extra
            }
        };
        self.add_feature_decay(y, &extra, &mut sum);
        self.add_classifier_decay(y, &mut sum);
        self.add_noisy_loss(y, &mut sum);
        (sum.value, sum.gradient, sum.hessian)
    }

    /// Adds $2 E[l(A(1+\tau t))]$, a function of $\log A$ and the spread, with its derivatives.
    fn add_spread_loss(
        &self,
        y: &[f64; 5],
        rule: &GaussRule,
        spread: &Jet,
        sum: &mut Quadratic<5>,
    ) {
        let (a, tau) = (y[LOG_A].exp(), spread.value.sqrt());
        let nodes = self.node_sums(rule, a, tau);
        sum.value += 2.0 * nodes.value;
        let (e_t, e_tt, e_at) = spread_derivatives(&nodes, a, tau);
        let (first, second) = (&spread.first, &spread.second);
        let (g, h) = (&mut sum.gradient, &mut sum.hessian);
        g[LOG_A] += 2.0 * a * nodes.slope;
        h[LOG_A][LOG_A] += 2.0 * a * (nodes.slope + a * nodes.curve);
        for i in LOG_D..5 {
            g[i] += 2.0 * e_t * first[i];
            h[LOG_A][i] += 2.0 * e_at * first[i];
            h[i][LOG_A] += 2.0 * e_at * first[i];
            for j in LOG_D..5 {
                h[i][j] += 2.0 * (e_t * second[i][j] + e_tt * first[i] * first[j]);
            }
        }
    }

    /// Adds the derivatives of $2\lambda_H d^2(\text{size} + \text{extra})$. The derivative of
    /// $d^2$ with respect to $\log d$ is $2 d^2$.
    fn add_feature_decay(&self, y: &[f64; 5], extra: &Jet, sum: &mut Quadratic<5>) {
        let (s, d2) = (self.setting, (2.0 * y[LOG_D]).exp());
        let size = 1.0 + y[M] * y[M] + s.eta * (y[XI] * y[XI] + y[MU] * y[MU]);
        let (by_xi, by_mu) = (2.0 * s.eta * y[XI], 2.0 * s.eta * y[MU]);
        let size1 = [0.0, 0.0, by_xi, by_mu, 2.0 * y[M]];
        let size2 = [0.0, 0.0, 2.0 * s.eta, 2.0 * s.eta, 2.0];
        let weight = 2.0 * s.lambda_h * d2;
        let inner = size + extra.value;
        let inner1: [f64; 5] = std::array::from_fn(|i| size1[i] + extra.first[i]);
        for i in LOG_D..5 {
            let double_i = if i == LOG_D { 2.0 } else { 0.0 };
            sum.gradient[i] += weight * (inner1[i] + double_i * inner);
            for j in LOG_D..5 {
                let double_j = if j == LOG_D { 2.0 } else { 0.0 };
                let own = if i == j { size2[i] } else { 0.0 };
                let inner2 = extra.second[i][j] + own;
                let crossed = inner2 + double_i * inner1[j] + double_j * inner1[i];
                sum.hessian[i][j] += weight * (crossed + double_i * double_j * inner);
            }
        }
    }

    /// Adds the derivatives of $(\lambda_W / 2) A^2 / d^2$.
    fn add_classifier_decay(&self, y: &[f64; 5], sum: &mut Quadratic<5>) {
        let (a, d2) = (y[LOG_A].exp(), (2.0 * y[LOG_D]).exp());
        let decay = 0.5 * self.setting.lambda_w * a * a / d2;
        sum.gradient[LOG_A] += 2.0 * decay;
        sum.gradient[LOG_D] -= 2.0 * decay;
        for (i, j, sign) in [(0, 0, 1.0), (0, 1, -1.0), (1, 0, -1.0), (1, 1, 1.0)] {
            sum.hessian[i][j] += 4.0 * sign * decay;
        }
    }

    /// Adds the derivatives of $2\eta l(A \xi / d)$.
    fn add_noisy_loss(&self, y: &[f64; 5], sum: &mut Quadratic<5>) {
        let (a, noisy) = (y[LOG_A].exp(), 2.0 * self.setting.eta);
        let margin = a * y[XI];
        let [_, l1, l2] = self.loss.derivatives(margin);
        let (g, h) = (&mut sum.gradient, &mut sum.hessian);
        g[LOG_A] += noisy * margin * l1;
        g[XI] += noisy * a * l1;
        h[LOG_A][LOG_A] += noisy * margin * (l1 + margin * l2);
        h[LOG_A][XI] += noisy * a * (l1 + margin * l2);
        h[XI][LOG_A] += noisy * a * (l1 + margin * l2);
        h[XI][XI] += noisy * a * a * l2;
    }

    fn node_sums(&self, rule: &GaussRule, a: f64, tau: f64) -> NodeSums {
        let mut sums = NodeSums::default();
        for (t, weight) in rule.pairs() {
            let reach = 1.0 + tau * t;
            let [l0, l1, l2] = self.loss.derivatives(a * reach);
            let (l1, l2) = (weight * l1, weight * l2);
            sums.value += weight * l0;
            sums.slope += l1 * reach;
            sums.slope_t += l1 * t;
            sums.curve += l2 * reach * reach;
            sums.curve_t += l2 * reach * t;
            sums.curve_tt += l2 * t * t;
        }
        sums
    }
}

/// $(r/d)^2$.
fn spread(y: &[f64; 5], gain: f64) -> f64 {
    let squared = (1.0 + y[XI]).powi(2) + (y[M] - y[MU]).powi(2);
    gain * (2.0 * y[LOG_D]).exp() * squared
}

/// $(r/d)^2$ and its derivatives, which are zero with respect to $\log A$.
fn spread_jet(y: &[f64; 5], gain: f64) -> Jet {
    let mut jet = Jet::constant(spread(y, gain));
    let k = 2.0 * gain * (2.0 * y[LOG_D]).exp();
    let across = k * (y[M] - y[MU]);
    jet.first = [0.0, 2.0 * jet.value, k * (1.0 + y[XI]), -across, across];
    for i in XI..5 {
        jet.second[i][i] = k;
        jet.second[LOG_D][i] = 2.0 * jet.first[i];
        jet.second[i][LOG_D] = 2.0 * jet.first[i];
    }
    jet.second[LOG_D][LOG_D] = 4.0 * jet.value;
    jet.second[M][MU] = -k;
    jet.second[MU][M] = -k;
    jet
}

/// Derivatives of $E[l(A(1+\tau t))]$ with respect to $T=\tau^2$: $E_T$, $E_{TT}$ and
/// $\partial_{\log A} E_T$. For $\tau$ below `TINY` the quotients would be dominated by rounding
/// errors, so their limits are used.
fn spread_derivatives(sums: &NodeSums, a: f64, tau: f64) -> (f64, f64, f64) {
    const TINY: f64 = 1e-7;
    let second = a * a * sums.curve_tt;
    if tau < TINY {
        return (0.5 * second, 0.0, second);
    }
    let first = a * sums.slope_t / tau;
    (
        0.5 * first,
        0.25 * (second - first) / (tau * tau),
        0.5 * (first + a * a * sums.curve_t / tau),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::margin::{LossKind, MarginLoss};
    use crate::measure::FeatureMeasure;

    #[test]
    fn gradient_and_hessian_equal_finite_differences() {
        let losses = [
            MarginLoss::cross_entropy(),
            MarginLoss::new(LossKind::Ls, 0.1).unwrap(),
            MarginLoss::new(LossKind::Lr, 0.2).unwrap(),
        ];
        for loss in losses {
            for (measure, nonnegative) in [
                (FeatureMeasure::Sphere, true),
                (FeatureMeasure::Ball, false),
                (FeatureMeasure::TwoPoint, true),
                (FeatureMeasure::Gaussian, true),
                (FeatureMeasure::Jumps, true),
                (FeatureMeasure::Jumps, false),
            ] {
                let setting = MdSetting::new(3e-3, 1e-3)
                    .noise(0.2, 0.4)
                    .measure(measure)
                    .dim(3)
                    .nonnegative(nonnegative);
                let problem = Reduced::new(&setting, &loss);
                let v = [1.2, -0.4, 1.3, 0.3, 0.2];
                let at = problem.log_excess(&v);
                assert!((at.value - problem.excess(&problem.natural(&v)).ln()).abs() < 1e-14);
                let count = if nonnegative { 5 } else { 3 };
                let evals = [
                    Reduced::log_excess,
                    Reduced::log_excess_stretched,
                    // The same numbers as margins.
                    Reduced::log_excess_of_margins,
                ];
                for (eval, i) in (0..count).flat_map(|i| evals.map(|eval| (eval, i))) {
                    let at = eval(&problem, &v);
                    let h = 1e-5;
                    let (mut up, mut down) = (v, v);
                    up[i] += h;
                    down[i] -= h;
                    let (up, down) = (eval(&problem, &up), eval(&problem, &down));
                    let slope = (up.value - down.value) / (2.0 * h);
                    assert!((slope - at.gradient[i]).abs() < 1e-8, "{measure:?} {i}");
                    for j in 0..count {
                        let curve = (up.gradient[j] - down.gradient[j]) / (2.0 * h);
                        // The second derivative of label relaxation jumps between nodes.
                        assert!(
                            (curve - at.hessian[i][j]).abs() < 1e-6,
                            "{measure:?} {i} {j}"
                        );
                    }
                }
            }
        }
    }
}
