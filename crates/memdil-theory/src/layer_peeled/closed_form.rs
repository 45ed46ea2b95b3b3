//! The closed form of the global minimiser.

use crate::error::{TheoryError, at_least, in_unit, positive, two_classes};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Parameters of the model with label smoothing, or with cross-entropy if `alpha` = 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LpmSetting {
    /// Number of classes $N$, at least 2.
    pub classes: usize,
    /// Smoothing parameter $\alpha$ in [0, 1); the target is $(1-\alpha)e_k + \alpha/N$.
    pub alpha: f64,
    /// Weight decay of the classifier, positive.
    pub lambda_w: f64,
    /// Weight decay of the features, positive.
    pub lambda_h: f64,
    /// Whether features are non-negative.
    pub nonnegative: bool,
}

/// The global minimiser. The field names are the JSON keys.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LpmSolution {
    /// The parameters of the problem.
    #[serde(flatten)]
    pub setting: LpmSetting,
    /// Whether the minimiser is zero (total collapse).
    pub collapsed: bool,
    /// Logit of the true class minus any other logit, $s$.
    pub logit_gap: f64,
    /// Minimum of the objective.
    pub objective: f64,
    /// $\lVert h_k \rVert^2$.
    pub feature_sq_norm: f64,
    /// $\lVert w_k \rVert^2$.
    pub weight_row_sq_norm: f64,
    /// Condition number of the Hessian of the loss with respect to logits of sum zero: $Np_\ast$,
    /// or 1 for two classes.
    pub hessian_condition: f64,
}

/// The global minimiser of the layer-peeled model, for $P \ge N$ ($P \ge N-1$ for signed features).
///
/// With $c = 2\sqrt{(N-1)\lambda_W\lambda_H}$ (for signed features,
/// $c = 2(N-1)\sqrt{\lambda_W\lambda_H/N}$), the probability $p_\ast$ of the true class and the
/// logit gap $s$ are given by
///
/// $$1-p_\ast = \tfrac{N-1}{N}\alpha + c, \qquad s = \log\frac{p_\ast(N-1)}{1-p_\ast}.$$
///
/// If $p_\ast \le 1/N$, the minimiser is zero (total collapse). Otherwise the features are an
/// orthogonal frame $h_k = b e_k$ (for signed features, a simplex $b(e_k - 1/N)$), and the weights
/// are $w_k = a(e_k - 1/N)$ with $ab = s$. The model is from Fang et al. 2021 and Nguyen et al.,
/// ICLR 2023; this closed form was derived in this project.
///
/// # Errors
/// A parameter out of range.
///
/// # Example
/// ```
/// use memdil_theory::layer_peeled::{LpmSetting, closed_form};
/// let solution = closed_form(&LpmSetting::new(2, 1e-3, 1e-3))?;
/// assert!((solution.logit_gap - 6.212606095751518).abs() < 1e-12);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn closed_form(setting: &LpmSetting) -> Result<LpmSolution, TheoryError> {
    setting.validate()?;
    let (lambda_w, lambda_h) = (setting.lambda_w, setting.lambda_h);
    let n = setting.classes as f64;
    let (cost, balance, size) = if setting.nonnegative {
        let cost = 2.0 * ((n - 1.0) * lambda_w * lambda_h).sqrt();
        (cost, (lambda_w * (n - 1.0) / lambda_h).sqrt(), 1.0)
    } else {
        let cost = 2.0 * (n - 1.0) * (lambda_w * lambda_h / n).sqrt();
        (cost, (lambda_w * n / lambda_h).sqrt(), (n - 1.0) / n)
    };
    // 1 - p*, summed without cancellation.
    let missing = setting.alpha * (n - 1.0) / n + cost;
    let collapsed = missing >= (n - 1.0) / n;
    let gap = if collapsed {
        0.0
    } else {
        (-missing).ln_1p() + (n - 1.0).ln() - missing.ln()
    };
    let squared_b = gap * balance;
    Ok(LpmSolution {
        setting: *setting,
        collapsed,
        logit_gap: gap,
        objective: ((n - 1.0) * (-gap).exp()).ln_1p()
            + missing * gap * f64::from(u8::from(!collapsed)),
        feature_sq_norm: squared_b * size,
        weight_row_sq_norm: gap / balance * (n - 1.0) / n,
        hessian_condition: if setting.classes == 2 || collapsed {
            1.0
        } else {
            n * (1.0 - missing)
        },
    })
}

impl LpmSetting {
    /// Creates a setting with the number of classes, at least 2, and the weight decay of classifier
    /// and features, both positive. The defaults are cross-entropy ($\alpha = 0$) and non-negative
    /// features.
    ///
    /// The builder methods do not check their arguments; [`validate`](Self::validate) does, and all
    /// functions that take a setting call it.
    #[must_use]
    pub const fn new(classes: usize, lambda_w: f64, lambda_h: f64) -> Self {
        Self {
            classes,
            alpha: 0.0,
            lambda_w,
            lambda_h,
            nonnegative: true,
        }
    }

    /// Sets the label smoothing parameter, in [0, 1).
    #[must_use]
    pub const fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// Sets whether features are non-negative or signed.
    #[must_use]
    pub const fn nonnegative(mut self, nonnegative: bool) -> Self {
        self.nonnegative = nonnegative;
        self
    }

    /// Checks the range of each parameter.
    ///
    /// # Errors
    /// The first parameter that is NaN, infinite or out of range.
    ///
    /// # Example
    /// ```
    /// use memdil_theory::LpmSetting;
    /// let setting = LpmSetting::new(1, 1e-3, 1e-3);
    /// let message = setting.validate().unwrap_err().to_string();
    /// assert!(message.starts_with("classes = 1 is too small"));
    /// ```
    pub fn validate(&self) -> Result<(), TheoryError> {
        two_classes(self.classes)?;
        in_unit("alpha", self.alpha)?;
        positive("lambda_w", self.lambda_w)?;
        positive("lambda_h", self.lambda_h)
    }
}

impl LpmSolution {
    /// Returns $W$ and $H$ of the minimiser for `samples` samples per class and feature dimension
    /// `dim`.
    ///
    /// # Shapes
    /// $W$ is (N, P). $H$ is (P, N n), with columns ordered by class.
    ///
    /// # Errors
    /// `samples` = 0, or a `dim` below $N$ (for signed features, $N-1$), which is too small for the
    /// frame.
    ///
    /// # Example
    /// ```
    /// use memdil_theory::layer_peeled::{LpmSetting, closed_form};
    /// let setting = LpmSetting::new(3, 1e-3, 1e-3).alpha(0.1).nonnegative(false);
    /// let solution = closed_form(&setting)?;
    /// let (weights, features) = solution.factors(5, 2)?;
    /// let logits = weights.dot(&features);
    /// assert!((logits[(0, 0)] - logits[(1, 0)] - solution.logit_gap).abs() < 1e-12);
    /// # Ok::<(), memdil_theory::TheoryError>(())
    /// ```
    pub fn factors(
        &self,
        samples: usize,
        dim: usize,
    ) -> Result<(Array2<f64>, Array2<f64>), TheoryError> {
        let n = self.setting.classes;
        at_least("samples", samples, 1, "each class requires a sample")?;
        let centre = 1.0 - 1.0 / n as f64;
        let (frame, rows, squared_b, why) = if self.setting.nonnegative {
            let axes = Array2::<f64>::eye(n);
            let rows = &axes - 1.0 / n as f64;
            let why = "an orthogonal frame requires one dimension per class";
            (axes, rows, self.feature_sq_norm, why)
        } else {
            let why = "a simplex of N points spans N - 1 directions";
            (simplex(n), simplex(n), self.feature_sq_norm / centre, why)
        };
        at_least("dim", dim, frame.ncols(), why)?;
        let (a, b) = ((self.weight_row_sq_norm / centre).sqrt(), squared_b.sqrt());
        let entry = |points: &Array2<f64>, k, p| points.get((k, p)).copied().unwrap_or_default();
        let weights = Array2::from_shape_fn((n, dim), |(k, p)| a * entry(&rows, k, p));
        let features = Array2::from_shape_fn((dim, n * samples), |(p, i)| {
            b * entry(&frame, i / samples, p)
        });
        Ok((weights, features))
    }
}

/// The points $e_k - 1/N$ in Helmert's orthonormal basis of their span, one per row.
fn simplex(n: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, n - 1), |(k, j)| {
        let scale = (((j + 1) * (j + 2)) as f64).sqrt();
        match k.cmp(&(j + 1)) {
            std::cmp::Ordering::Less => 1.0 / scale,
            std::cmp::Ordering::Equal => -((j + 1) as f64) / scale,
            std::cmp::Ordering::Greater => 0.0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simplex_points_have_the_right_inner_products() {
        let points = simplex(5);
        let gram = points.dot(&points.t());
        for ((i, j), value) in gram.indexed_iter() {
            let expected = if i == j { 0.8 } else { -0.2 };
            assert!((value - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn invalid_parameters_are_reported_by_name() {
        let good = LpmSetting::new(3, 1e-3, 1e-3).alpha(0.1);
        let cases = [
            (LpmSetting { classes: 1, ..good }, "classes"),
            (LpmSetting { alpha: 1.0, ..good }, "alpha"),
            (
                LpmSetting {
                    lambda_w: 0.0,
                    ..good
                },
                "lambda_w",
            ),
            (
                LpmSetting {
                    lambda_h: f64::NAN,
                    ..good
                },
                "lambda_h",
            ),
        ];
        for (setting, name) in cases {
            let message = closed_form(&setting).unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
        }
        let solution = closed_form(&good).unwrap();
        assert!(
            solution
                .factors(1, 2)
                .unwrap_err()
                .to_string()
                .contains("dim = 2")
        );
    }
}
