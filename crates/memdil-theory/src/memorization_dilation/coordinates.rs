//! The variables in which the risk is minimised.

use super::jet::{Jet, LOG_A, LOG_D, M, MU, XI};
use super::reduced::Reduced;
use crate::margin::ConvexMargin;
use crate::optimizers::newton::Quadratic;

impl<L: ConvexMargin + ?Sized> Reduced<'_, L> {
    /// Logarithm of the excess and its derivatives in the variables of the solver.
    ///
    /// For non-negative features these are $(\log A, \log d, p, q, m/d-1)$ with $p = (\mu+\xi)/d$
    /// and $q = (\mu-\xi)/d$. The last three are at least 0, so all constraints are bounds. For
    /// signed features they are $(\log A, \log d, \xi/d)$ with $m=\mu=0$.
    pub(crate) fn log_excess(&self, v: &[f64; 5]) -> Quadratic<5> {
        let (f, mut gradient, mut hessian) = self.excess_derivatives(&self.natural(v));
        if self.setting.nonnegative {
            let (g, h) = (gradient, hessian);
            gradient[2] = 0.5 * (g[XI] + g[MU]);
            gradient[3] = 0.5 * (g[MU] - g[XI]);
            for i in [LOG_A, LOG_D, M] {
                hessian[i][2] = 0.5 * (h[i][XI] + h[i][MU]);
                hessian[i][3] = 0.5 * (h[i][MU] - h[i][XI]);
                hessian[2][i] = hessian[i][2];
                hessian[3][i] = hessian[i][3];
            }
            hessian[2][2] = 0.25 * (h[XI][XI] + 2.0 * h[XI][MU] + h[MU][MU]);
            hessian[3][3] = 0.25 * (h[XI][XI] - 2.0 * h[XI][MU] + h[MU][MU]);
            hessian[2][3] = 0.25 * (h[MU][MU] - h[XI][XI]);
            hessian[3][2] = hessian[2][3];
        }
        logarithm(f, gradient, hessian)
    }

    /// [`Self::log_excess`] with each ratio replaced by the hyperbolic sine of a variable. This is
    /// logarithmic for large ratios, when noisy features are thousands of times larger than class
    /// features. For small ratios it would only make straight valleys curved.
    pub(crate) fn log_excess_stretched(&self, w: &[f64; 5]) -> Quadratic<5> {
        let mut at = self.log_excess(&stretched(w));
        let factor: [f64; 5] = std::array::from_fn(|i| if i < 2 { 1.0 } else { w[i].cosh() });
        for i in 0..5 {
            for j in 0..5 {
                at.hessian[i][j] *= factor[i] * factor[j];
            }
            if i >= 2 {
                at.hessian[i][i] += w[i].sinh() * at.gradient[i];
            }
            at.gradient[i] *= factor[i];
        }
        at
    }

    /// [`Self::log_excess`] in $(A, \log\lVert w \rVert, Ap, Aq, A(m/d-1))$, for signed features
    /// $(A, \log\lVert w \rVert, A\xi/d)$. At small decay, jumps leave a valley of nearly constant
    /// noisy margin along which the clean margin grows; it is straight in margins.
    pub(crate) fn log_excess_of_margins(&self, w: &[f64; 5]) -> Quadratic<5> {
        let a = w[0];
        let (value, slope, curve) = self.excess_derivatives(&self.natural(&in_ratios(w)));
        let mut y = [0.0; 5].map(Jet::constant);
        y[LOG_A].first[0] = 1.0 / a;
        y[LOG_A].second[0][0] = -1.0 / (a * a);
        y[LOG_D].first = [1.0 / a, -1.0, 0.0, 0.0, 0.0];
        y[LOG_D].second[0][0] = -1.0 / (a * a);
        // Coefficients of the last three variables in A xi/d, A mu/d and A (m/d - 1).
        let parts = if self.setting.nonnegative {
            [[0.5, -0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
        } else {
            [[1.0, 0.0, 0.0], [0.0; 3], [0.0; 3]]
        };
        for (jet, part) in y[XI..].iter_mut().zip(parts) {
            for (j, coefficient) in (2..5).zip(part) {
                jet.first[j] = coefficient / a;
                jet.first[0] -= coefficient * w[j] / (a * a);
                jet.second[0][0] += 2.0 * coefficient * w[j] / (a * a * a);
                jet.second[0][j] = -coefficient / (a * a);
                jet.second[j][0] = jet.second[0][j];
            }
        }
        let excess = Jet::chain(value, slope, curve, y.each_ref());
        logarithm(value, excess.first, excess.second)
    }

    /// Converts the variables of the solver to $(\log A, \log d, \xi/d, \mu/d, m/d)$.
    pub(crate) fn natural(&self, v: &[f64; 5]) -> [f64; 5] {
        if self.setting.nonnegative {
            [
                v[0],
                v[1],
                0.5 * (v[2] - v[3]),
                0.5 * (v[2] + v[3]),
                1.0 + v[4],
            ]
        } else {
            [v[0], v[1], v[2], 0.0, 0.0]
        }
    }
}

/// Converts the variables of [`Reduced::log_excess_stretched`] to those of [`Reduced::log_excess`].
pub(crate) fn stretched(w: &[f64; 5]) -> [f64; 5] {
    [w[0], w[1], w[2].sinh(), w[3].sinh(), w[4].sinh()]
}

/// Converts the variables of [`Reduced::log_excess_of_margins`] to those of
/// [`Reduced::log_excess`].
pub(crate) fn in_ratios(w: &[f64; 5]) -> [f64; 5] {
    let log_a = w[0].ln();
    [log_a, log_a - w[1], w[2] / w[0], w[3] / w[0], w[4] / w[0]]
}

/// Converts the variables of [`Reduced::log_excess`] to those of
/// [`Reduced::log_excess_of_margins`].
pub(crate) fn in_margins(v: &[f64; 5]) -> [f64; 5] {
    let a = v[0].exp();
    [a, v[0] - v[1], a * v[2], a * v[3], a * v[4]]
}

/// The logarithm of a value with its gradient and Hessian.
fn logarithm(value: f64, mut gradient: [f64; 5], mut hessian: [[f64; 5]; 5]) -> Quadratic<5> {
    gradient.iter_mut().for_each(|slope| *slope /= value);
    for i in 0..5 {
        for j in 0..5 {
            hessian[i][j] = hessian[i][j] / value - gradient[i] * gradient[j];
        }
    }
    Quadratic {
        value: value.ln(),
        gradient,
        hessian,
    }
}
