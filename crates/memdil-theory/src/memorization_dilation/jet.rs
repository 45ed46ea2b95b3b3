//! Values with their derivatives in the five variables of the reduced problem.

/// Indices of the variables $\log A$, $\log d$, $\xi/d$, $\mu/d$ and $m/d$.
pub(super) const LOG_A: usize = 0;
pub(super) const LOG_D: usize = 1;
pub(super) const XI: usize = 2;
pub(super) const MU: usize = 3;
pub(super) const M: usize = 4;

/// A value with its gradient and Hessian.
pub(super) struct Jet {
    pub(super) value: f64,
    pub(super) first: [f64; 5],
    pub(super) second: [[f64; 5]; 5],
}

impl Jet {
    pub(super) const fn constant(value: f64) -> Self {
        Self {
            value,
            first: [0.0; 5],
            second: [[0.0; 5]; 5],
        }
    }

    /// A multiple of the value.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self {
            value: factor * self.value,
            first: self.first.map(|value| factor * value),
            second: self.second.map(|row| row.map(|value| factor * value)),
        }
    }

    /// A function of `K` such values, from its value, gradient and Hessian.
    pub(super) fn chain<const K: usize>(
        value: f64,
        slope: [f64; K],
        curve: [[f64; K]; K],
        of: [&Self; K],
    ) -> Self {
        let mut chained = Self::constant(value);
        for k in 0..K {
            for i in 0..5 {
                chained.first[i] += slope[k] * of[k].first[i];
                for j in 0..5 {
                    chained.second[i][j] += slope[k] * of[k].second[i][j];
                    for l in 0..K {
                        chained.second[i][j] += curve[k][l] * of[k].first[i] * of[l].first[j];
                    }
                }
            }
        }
        chained
    }
}
