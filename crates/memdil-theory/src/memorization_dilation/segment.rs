//! Unseen features on the segment from a class feature to its noisy samples.

use super::jet::{Jet, LOG_A, LOG_D, M, MU, XI};
use crate::margin::ConvexMargin;
use crate::measure::FeatureMeasure;
use crate::quadrature::GaussRule;
use std::sync::Arc;

/// Distance, in margins, from the bend of a loss beyond which it is a straight line in double
/// precision.
const BEND: f64 = 40.0;
/// Most nodes on a piece of the segment. The pieces are split at kinks.
const MOST_NODES: usize = 32;

/// Expectations over the displacement $T$ of [`Jumps`](crate::Jumps), with the dose $k$ in the
/// variables of [`Reduced`](super::Reduced).
///
/// With $B = A(1+\xi/d)$ the margin of a displaced sample is $A - TB$, and
///
/// $$E[l(A-TB)] = e^{-k} l(A) + \int_0^1 k e^{-k(1-t)} l(A-tB) dt.$$
pub(super) struct Segment {
    rule: Arc<GaussRule>,
    /// $2\eta/C_{MD}$.
    gain: f64,
}

impl Segment {
    pub(super) fn new(gain: f64, nodes: usize) -> Self {
        let nodes = (nodes / 2).clamp(8, MOST_NODES);
        Self {
            rule: GaussRule::cached(FeatureMeasure::Jumps, 1, nodes),
            gain,
        }
    }

    /// $k$.
    fn dose(&self, y: &[f64; 5]) -> f64 {
        self.gain * y[LOG_D].exp() * (1.0 + y[XI]).hypot(y[M] - y[MU])
    }

    /// $E[l(A-TB)]$ and $(E\lVert h+T(u-h) \rVert^2 - \lVert h \rVert^2)/d^2$.
    pub(super) fn values<L: ConvexMargin + ?Sized>(&self, y: &[f64; 5], loss: &L) -> (f64, f64) {
        let (a, k) = (y[LOG_A].exp(), self.dose(y));
        let b = a * (1.0 + y[XI]);
        let (mut mean, mut m1, mut m2) = (0.0, 0.0, 0.0);
        let unmoved = loss.derivatives(a)[0];
        self.nodes(a, b, k, loss, |t, weight| {
            let weight = weight * k * (-k * (1.0 - t)).exp();
            mean += weight * (loss.derivatives(a - t * b)[0] - unmoved);
            m1 += weight * t;
            m2 += weight * t * t;
        });
        let [towards, squared] = length(y);
        (unmoved + mean, m1 * towards + m2 * squared)
    }

    /// [`Self::values`] with their derivatives.
    pub(super) fn jets<L: ConvexMargin + ?Sized>(&self, y: &[f64; 5], loss: &L) -> (Jet, Jet) {
        let a = y[LOG_A].exp();
        let b = a * (1.0 + y[XI]);
        let k = self.dose_jet(y);
        let sums = self.sums(a, b, k.value, loss);
        let mut margin = Jet::constant(a);
        margin.first[LOG_A] = a;
        margin.second[LOG_A][LOG_A] = a;
        let mut fall = Jet::constant(b);
        fall.first[LOG_A] = b;
        fall.first[XI] = a;
        fall.second[LOG_A][LOG_A] = b;
        fall.second[LOG_A][XI] = a;
        fall.second[XI][LOG_A] = a;
        let loss = Jet::chain(sums.loss, sums.slope, sums.curve, [&margin, &fall, &k]);
        (loss, length_jet(y, &k, &sums.moments))
    }

    fn dose_jet(&self, y: &[f64; 5]) -> Jet {
        let mut dose = Jet::constant(self.dose(y));
        let scale = self.gain * y[LOG_D].exp();
        let (along, across) = (1.0 + y[XI], y[M] - y[MU]);
        let norm = along.hypot(across);
        dose.first[LOG_D] = dose.value;
        dose.second[LOG_D][LOG_D] = dose.value;
        if norm <= 0.0 {
            // The norm has no derivative here. No minimum is here either: a small displacement
            // costs less than it gains.
            return dose;
        }
        let direction = [0.0, 0.0, along / norm, -across / norm, across / norm];
        for i in XI..5 {
            dose.first[i] = scale * direction[i];
            dose.second[LOG_D][i] = dose.first[i];
            dose.second[i][LOG_D] = dose.first[i];
            for j in XI..5 {
                // mu and m enter as m - mu.
                let own = match (i, j) {
                    (XI, XI) | (MU, MU) | (M, M) => 1.0,
                    (MU, M) | (M, MU) => -1.0,
                    _ => 0.0,
                };
                dose.second[i][j] = scale / norm * (own - direction[i] * direction[j]);
            }
        }
        dose
    }

    fn sums<L: ConvexMargin + ?Sized>(&self, a: f64, b: f64, k: f64, loss: &L) -> Sums {
        let [l0, l1, l2] = loss.derivatives(a);
        let rest = (-k).exp();
        let mut sums = Sums {
            loss: l0,
            slope: [rest * l1, 0.0, 0.0],
            curve: [[0.0; 3]; 3],
            moments: [[0.0; 3]; 2],
        };
        sums.curve[0][0] = rest * l2;
        sums.curve[0][2] = -rest * l1;
        self.nodes(a, b, k, loss, |t, weight| {
            let s = 1.0 - t;
            let decay = weight * (-k * s).exp();
            // The density and its derivatives with respect to k.
            let density = [k * decay, (1.0 - k * s) * decay, s * (k * s - 2.0) * decay];
            let [m0, m1, m2] = loss.derivatives(a - t * b);
            let above = m0 - l0;
            sums.loss += density[0] * above;
            sums.slope[0] += density[0] * m1;
            sums.slope[1] -= density[0] * m1 * t;
            sums.slope[2] += density[1] * above;
            sums.curve[0][0] += density[0] * m2;
            sums.curve[0][1] -= density[0] * m2 * t;
            sums.curve[0][2] += density[1] * m1;
            sums.curve[1][1] += density[0] * m2 * t * t;
            sums.curve[1][2] -= density[1] * m1 * t;
            sums.curve[2][2] += density[2] * above;
            let [first, second] = &mut sums.moments;
            for ((first, second), density) in first.iter_mut().zip(second).zip(density) {
                *first += density * t;
                *second += density * t * t;
            }
        });
        for i in 0..3 {
            for j in 0..i {
                sums.curve[i][j] = sums.curve[j][i];
            }
        }
        sums
    }

    /// Calls `add` with each node in [0, 1] and its weight. The segment is split where the loss
    /// bends, and where the density of $T$ begins to differ from 0.
    fn nodes<L: ConvexMargin + ?Sized>(
        &self,
        a: f64,
        b: f64,
        k: f64,
        loss: &L,
        mut add: impl FnMut(f64, f64),
    ) {
        let bend = loss.bend();
        let at = |margin: f64| (a - margin) / b;
        let mut cuts = [
            0.0,
            at(bend + BEND),
            at(bend),
            at(bend - BEND),
            1.0 - BEND / k,
            1.0,
        ]
        .map(|t| {
            if t.is_finite() {
                t.clamp(0.0, 1.0)
            } else {
                0.0
            }
        });
        cuts.sort_by(f64::total_cmp);
        for pair in cuts.windows(2) {
            let (start, half) = (pair[0], 0.5 * (pair[1] - pair[0]));
            if half > 0.0 {
                for (x, weight) in self.rule.pairs() {
                    add(start + half * (1.0 + x), 2.0 * half * weight);
                }
            }
        }
    }
}

/// Expectations with their derivatives.
struct Sums {
    /// $E[l]$.
    loss: f64,
    /// Its gradient and Hessian in $(A, B, k)$.
    slope: [f64; 3],
    curve: [[f64; 3]; 3],
    /// The means of $T$ and $T^2$ with their first two derivatives in $k$.
    moments: [[f64; 3]; 2],
}

/// $2 h(u-h)/d^2$ and $\lVert u-h \rVert^2/d^2$ for $h = (d, m)$ and $u = (-\xi, \mu)$.
fn length(y: &[f64; 5]) -> [f64; 2] {
    let (along, across) = (1.0 + y[XI], y[MU] - y[M]);
    [
        2.0 * (y[M] * across - along),
        along * along + across * across,
    ]
}

/// The mean of $T$ times $2h(u-h)/d^2$, plus the mean of $T^2$ times $\lVert u-h \rVert^2/d^2$.
fn length_jet(y: &[f64; 5], k: &Jet, [m1, m2]: &[[f64; 3]; 2]) -> Jet {
    let (along, across) = (1.0 + y[XI], y[MU] - y[M]);
    let [towards, squared] = length(y);
    let mut linear = Jet::constant(towards);
    linear.first = [0.0, 0.0, -2.0, 2.0 * y[M], 2.0 * (across - y[M])];
    linear.second[M][MU] = 2.0;
    linear.second[MU][M] = 2.0;
    linear.second[M][M] = -4.0;
    let mut square = Jet::constant(squared);
    square.first = [0.0, 0.0, 2.0 * along, 2.0 * across, -2.0 * across];
    for i in XI..5 {
        square.second[i][i] = 2.0;
    }
    square.second[M][MU] = -2.0;
    square.second[MU][M] = -2.0;
    let value = m1[0] * towards + m2[0] * squared;
    let slope = [m1[1] * towards + m2[1] * squared, m1[0], m2[0]];
    let curve = [
        [m1[2] * towards + m2[2] * squared, m1[1], m2[1]],
        [m1[1], 0.0, 0.0],
        [m2[1], 0.0, 0.0],
    ];
    Jet::chain(value, slope, curve, [k, &linear, &square])
}
