//! Relative dilation of label smoothing compared with cross-entropy, over noise level and weight
//! decay.

use crate::error::{TheoryError, at_least, positive};
use crate::margin::{ConvexMargin, MarginLoss};
use crate::memorization_dilation::{MdSetting, solve_near};
use rayon::prelude::*;
use serde::Serialize;

/// Relative dilation of two losses over a grid. Rows are noise levels and columns are weight
/// decays.
///
/// A cell is `None` if the optimum of a loss is zero (total collapse).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PhaseMap {
    /// Noise levels, one per row.
    pub etas: Vec<f64>,
    /// Feature decays $\lambda_H$, one per column; $\lambda_W/\lambda_H$ is that of the base
    /// setting.
    pub lambdas: Vec<f64>,
    /// $\rho$ of cross-entropy.
    pub rho_ce: Vec<Vec<Option<f64>>>,
    /// $\rho$ of the other loss.
    pub rho_other: Vec<Vec<Option<f64>>>,
    /// `rho_other` / `rho_ce`.
    pub ratio: Vec<Vec<Option<f64>>>,
}

/// `count` numbers from `low` to `high` with a constant ratio.
///
/// # Errors
/// A bound that is not positive, a `count` below 2.
///
/// # Example
/// ```
/// let grid = memdil_theory::phase::geometric(1e-4, 1e-2, 3)?;
/// assert!((grid[1] - 1e-3).abs() < 1e-15);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn geometric(low: f64, high: f64, count: usize) -> Result<Vec<f64>, TheoryError> {
    positive("low", low)?;
    positive("high", high)?;
    at_least("count", count, 2, "a grid includes both bounds")?;
    let step = (high / low).ln() / (count - 1) as f64;
    Ok((0..count).map(|i| low * (step * i as f64).exp()).collect())
}

/// Computes a [`PhaseMap`] of `other` (usually label smoothing) and cross-entropy.
///
/// Along a row, each problem is solved from the solution of its neighbour and from the default
/// starting points. Rows are divided among rayon's threads; the result does not depend on the
/// number of threads.
///
/// # Errors
/// A parameter out of range, an empty grid, a problem whose solver does not converge.
///
/// # Example
/// ```
/// use memdil_theory::{LossKind, MarginLoss, MdSetting, phase::phase_map};
/// let base = MdSetting::new(1e-3, 1e-3).noise(0.1, 0.5);
/// let other = MarginLoss::new(LossKind::Ls, 0.1)?;
/// let map = phase_map(&base, &other, &[0.1, 0.2], &[1e-4, 1e-3])?;
/// assert!(map.ratio[0][0] < map.ratio[0][1]); // the advantage grows with less decay
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn phase_map(
    base: &MdSetting,
    other: &MarginLoss,
    etas: &[f64],
    lambdas: &[f64],
) -> Result<PhaseMap, TheoryError> {
    base.validate()?;
    not_empty("etas", etas)?;
    not_empty("lambdas", lambdas)?;
    let decay_ratio = base.lambda_w / base.lambda_h;
    let solved = solve_grid(etas, lambdas, other, |eta, lambda_h| {
        base.weight_decay(lambda_h * decay_ratio, lambda_h)
            .noise(eta, base.c_md)
    })?;
    let ratio = solved.iter().map(quotients).collect();
    let (rho_ce, rho_other) = solved.into_iter().unzip();
    Ok(PhaseMap {
        etas: etas.to_vec(),
        lambdas: lambdas.to_vec(),
        ratio,
        rho_ce,
        rho_other,
    })
}

/// Ratio of the relative dilations of another loss and cross-entropy at one noise level, over the
/// two scale-invariant parameters of the model.
///
/// The model is invariant under
/// $(C_{MD}, \lambda_W, \lambda_H) \to (s C_{MD}, s^2 \lambda_W, \lambda_H / s^2)$, so only
/// $\lambda_W / C_{MD}^2$ and $\lambda_H C_{MD}^2$ matter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InvariantMap {
    /// Noise level.
    pub eta: f64,
    /// Values of $\lambda_W / C_{MD}^2$, one per column.
    pub classifier: Vec<f64>,
    /// Values of $\lambda_H C_{MD}^2$, one per row.
    pub features: Vec<f64>,
    /// $\rho$ of the other loss divided by $\rho$ of cross-entropy; `None` if the optimum of a loss
    /// is zero (total collapse).
    pub ratio: Vec<Vec<Option<f64>>>,
}

/// Computes an [`InvariantMap`]. `base` supplies the noise level, $C_{MD}$, the measure and the
/// dimension.
///
/// # Errors
/// Same as [`phase_map`].
///
/// # Example
/// ```
/// use memdil_theory::{LossKind, MarginLoss, MdSetting, phase::invariant_map};
/// let base = MdSetting::new(1e-3, 1e-3).noise(0.4, 0.5);
/// let smoothing = MarginLoss::new(LossKind::Ls, 0.1)?;
/// let map = invariant_map(&base, &smoothing, &[0.01, 0.4], &[4e-9])?;
/// assert!(map.ratio[0][0] < Some(1.0) && map.ratio[0][1] > Some(1.0));
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn invariant_map(
    base: &MdSetting,
    other: &MarginLoss,
    classifier: &[f64],
    features: &[f64],
) -> Result<InvariantMap, TheoryError> {
    base.validate()?;
    not_empty("classifier", classifier)?;
    not_empty("features", features)?;
    let square = base.c_md * base.c_md;
    let solved = solve_grid(features, classifier, other, |y, x| {
        base.weight_decay(x * square, y / square)
    })?;
    Ok(InvariantMap {
        eta: base.eta,
        classifier: classifier.to_vec(),
        features: features.to_vec(),
        ratio: solved.iter().map(quotients).collect(),
    })
}

/// $\rho$ along a row for cross-entropy and for another loss.
type Row = (Vec<Option<f64>>, Vec<Option<f64>>);

fn quotients((ce, other): &Row) -> Vec<Option<f64>> {
    let quotient = |(ce, other): (&Option<f64>, &Option<f64>)| match (*ce, *other) {
        (Some(ce), Some(other)) if ce > 0.0 => Some(other / ce),
        _ => None,
    };
    ce.iter().zip(other).map(quotient).collect()
}

fn not_empty(name: &'static str, values: &[f64]) -> Result<(), TheoryError> {
    at_least(
        name,
        values.len(),
        1,
        "a map requires at least one row and one column",
    )
}

/// Solves a grid of settings for two losses, with rows in parallel.
fn solve_grid(
    rows: &[f64],
    columns: &[f64],
    other: &MarginLoss,
    setting: impl Fn(f64, f64) -> MdSetting + Sync,
) -> Result<Vec<Row>, TheoryError> {
    let cross_entropy = MarginLoss::cross_entropy();
    let solve = |&y: &f64| {
        let settings: Vec<MdSetting> = columns.iter().map(|&x| setting(y, x)).collect();
        Ok((row(&settings, &cross_entropy)?, row(&settings, other)?))
    };
    // All rows are computed before the first error is returned, so that the error does not depend
    // on the number of threads.
    let solved: Vec<Result<Row, TheoryError>> = rows.par_iter().map(solve).collect();
    solved.into_iter().collect()
}

/// Solves a row of settings. Each problem also starts from the solution of its neighbour.
fn row<L: ConvexMargin>(settings: &[MdSetting], loss: &L) -> Result<Vec<Option<f64>>, TheoryError> {
    let mut last = None;
    settings
        .iter()
        .map(|setting| {
            let outcome = solve_near(setting, loss, last.as_slice())?;
            last = outcome.solution().copied();
            Ok(outcome.rho())
        })
        .collect()
}
