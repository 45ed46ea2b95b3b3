//! The original memorization-dilation problem in all of its variables (P = 2), as a reference.

use memdil_theory::lbfgs::{Budget, minimize};
use memdil_theory::{LossKind, MdSetting, MdSolution};

/// A simple random generator.
pub(crate) struct Scatter(pub(crate) u64);

impl Scatter {
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
}

/// W (4 entries), h_1, h_2, u_1 and u_2 (2 entries each), and r.
pub(crate) type Variables = [f64; 13];

const ANGLES: usize = 96;

/// The full problem on the circle, with a separate implementation of the loss.
pub(crate) struct Full {
    pub setting: MdSetting,
    pub kind: LossKind,
    pub alpha: f64,
}

impl Full {
    /// Value of the loss and its derivative with respect to the margin.
    fn loss(&self, z: f64) -> (f64, f64) {
        let softplus = |z: f64| z.max(0.0) + (-z.abs()).exp().ln_1p();
        let p = 1.0 / (1.0 + (-z).exp());
        match self.kind {
            LossKind::Lr => {
                let a = self.alpha;
                if p >= 1.0 - a {
                    return (0.0, 0.0);
                }
                let entropy = (1.0 - a) * (1.0 - a).ln() + a * a.ln();
                let cross = (1.0 - a) * softplus(-z) + a * softplus(z);
                (entropy + cross, p - (1.0 - a))
            }
            _ => {
                let a = 0.5 * self.alpha;
                ((1.0 - a) * softplus(-z) + a * softplus(z), p - (1.0 - a))
            }
        }
    }

    /// Integration error of the equally spaced angles: rounding errors, except for the kink of
    /// label relaxation.
    pub(crate) fn rounding(&self) -> f64 {
        if self.kind == LossKind::Lr {
            2e-5
        } else {
            1e-10
        }
    }

    /// The risk F + eta G and its gradient.
    pub(crate) fn risk(&self, x: &Variables, g: &mut Variables) -> f64 {
        let s = &self.setting;
        *g = [0.0; 13];
        let r = x[12];
        let mut value = 0.0;
        for (w, dw) in x[..4].iter().zip(&mut g[..4]) {
            value += s.lambda_w * w * w;
            *dw += 2.0 * s.lambda_w * w;
        }
        // One term: weight * [l(W f, k) + lambda_H |f|^2] at the feature f = x[at..] + r v.
        let mut term = |at: usize, class: usize, v: [f64; 2], weight: f64| {
            let f = [x[at] + r * v[0], x[at + 1] + r * v[1]];
            let sign = if class == 0 { 1.0 } else { -1.0 };
            let w = [sign * (x[0] - x[2]), sign * (x[1] - x[3])];
            let (l, slope) = self.loss(w[0] * f[0] + w[1] * f[1]);
            for i in 0..2 {
                value += weight * s.lambda_h * f[i] * f[i];
                let df = weight * (slope * w[i] + 2.0 * s.lambda_h * f[i]);
                g[at + i] += df;
                g[12] += df * v[i];
                g[i] += weight * slope * sign * f[i];
                g[2 + i] -= weight * slope * sign * f[i];
            }
            value += weight * l;
        };
        for class in 0..2 {
            for k in 0..ANGLES {
                let angle = std::f64::consts::TAU * k as f64 / ANGLES as f64;
                term(
                    4 + 2 * class,
                    class,
                    [angle.cos(), angle.sin()],
                    1.0 / ANGLES as f64,
                );
            }
            term(8 + 2 * class, class, [0.0, 0.0], s.eta);
        }
        value
    }

    /// The constraints eta |h - u| |h_1 - h_2| - C_MD r for (h_1, u_2) and (h_2, u_1), and their
    /// gradients.
    pub(crate) fn constraints(&self, x: &Variables) -> [(f64, Variables); 2] {
        let between = |a: usize, b: usize| {
            let d = [x[a] - x[b], x[a + 1] - x[b + 1]];
            let norm = (d[0] * d[0] + d[1] * d[1] + 1e-20).sqrt();
            (norm, [d[0] / norm, d[1] / norm])
        };
        let (apart, n) = between(4, 6);
        [(4, 10), (6, 8)].map(|(h, u)| {
            let (moved, m) = between(h, u);
            let eta = self.setting.eta;
            let mut g = [0.0; 13];
            for i in 0..2 {
                g[h + i] += eta * m[i] * apart;
                g[u + i] -= eta * m[i] * apart;
                g[4 + i] += eta * moved * n[i];
                g[6 + i] -= eta * moved * n[i];
            }
            g[12] = -self.setting.c_md;
            (eta * moved * apart - self.setting.c_md * x[12], g)
        })
    }

    /// Sets the radius of a point to the smallest feasible value.
    pub(crate) fn with_feasible_radius(&self, mut x: Variables) -> Variables {
        x[12] = 0.0;
        let [(a, _), (b, _)] = self.constraints(&x);
        x[12] = a.max(b) / self.setting.c_md;
        x
    }

    /// Minimises the problem from one starting point by the augmented Lagrangian method, and makes
    /// the result feasible.
    pub(crate) fn descend(&self, start: Variables) -> (f64, Variables) {
        let mut x = start;
        let free = f64::NEG_INFINITY;
        let floor = if self.setting.nonnegative { 0.0 } else { free };
        let mut lower = [floor; 13];
        lower[..4].fill(free);
        lower[12] = 0.0;
        let (mut multipliers, mut penalty) = ([0.0f64; 2], 1.0);
        for _ in 0..20 {
            let lagrangian = |x: &[f64], g: &mut [f64]| {
                let x: &Variables = x.try_into().unwrap();
                let mut gradient = [0.0; 13];
                let mut value = self.risk(x, &mut gradient);
                for ((c, dc), multiplier) in self.constraints(x).iter().zip(multipliers) {
                    let push = (multiplier + penalty * c).max(0.0);
                    value += (push * push - multiplier * multiplier) / (2.0 * penalty);
                    gradient
                        .iter_mut()
                        .zip(dc)
                        .for_each(|(g, d)| *g += push * d);
                }
                g.copy_from_slice(&gradient);
                value
            };
            let budget = Budget {
                tolerance: 1e-9,
                max_iterations: 600,
                noise: 1e-14,
            };
            minimize(lagrangian, &mut x, &lower, budget);
            for (multiplier, (c, _)) in multipliers.iter_mut().zip(self.constraints(&x)) {
                *multiplier = (*multiplier + penalty * c).max(0.0);
            }
            penalty = (penalty * 3.0).min(1e5);
        }
        let x = self.with_feasible_radius(x);
        (self.risk(&x, &mut [0.0; 13]), x)
    }

    /// Converts a solution of the reduced problem to a point of the full problem.
    pub(crate) fn embed(&self, solution: &MdSolution) -> Variables {
        let plane = solution.plane;
        // For non-negative features, w and its orthogonal direction are the two diagonals.
        let h = std::f64::consts::FRAC_1_SQRT_2;
        let at = |x: f64, y: f64| [h * (y + x), h * (y - x)];
        let (w, h1, h2) = (
            at(plane.omega / 2.0, 0.0),
            at(plane.d, plane.m),
            at(-plane.d, plane.m),
        );
        let (u1, u2) = (at(plane.xi, plane.mu), at(-plane.xi, plane.mu));
        [
            w[0],
            w[1],
            -w[0],
            -w[1],
            h1[0],
            h1[1],
            h2[0],
            h2[1],
            u1[0],
            u1[1],
            u2[0],
            u2[1],
            solution.radius,
        ]
    }
}
