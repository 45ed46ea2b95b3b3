//! Where label smoothing dilates less than cross-entropy, and by how much: a map over noise and
//! decay.

use crate::error::at_least;
use crate::memorization_dilation::solve_near;
use crate::{ConvexMargin, MarginLoss, MdSetting, TheoryError};
use serde::Serialize;

/// Relative dilation of two losses over a grid; rows are noise levels, columns weight decays.
///
/// Cells without a number are those where a loss collapses to zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseMap {
    /// Noise levels, one a row.
    pub etas: Vec<f64>,
    /// Feature decays $\lambda_H$, one a column; $\lambda_W$ follows at the ratio of the base
    /// setting.
    pub lambdas: Vec<f64>,
    /// $\rho$ under cross-entropy.
    pub rho_ce: Vec<Vec<Option<f64>>>,
    /// $\rho$ under the other loss.
    pub rho_other: Vec<Vec<Option<f64>>>,
    /// `rho_other` / `rho_ce`.
    pub ratio: Vec<Vec<Option<f64>>>,
}

/// `count` numbers from `low` to `high` at equal ratios.
///
/// # Errors
/// A bound that is not positive; fewer than two numbers.
///
/// # Example
/// ```
/// let grid = memdil_theory::phase::geometric(1e-4, 1e-2, 3)?;
/// assert!((grid[1] - 1e-3).abs() < 1e-15);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn geometric(low: f64, high: f64, count: usize) -> Result<Vec<f64>, TheoryError> {
    crate::error::positive("low", low)?;
    crate::error::positive("high", high)?;
    at_least("count", count, 2, "a grid has two ends")?;
    let step = (high / low).ln() / (count - 1) as f64;
    Ok((0..count).map(|i| low * (step * i as f64).exp()).collect())
}

/// Computes a [`PhaseMap`] of `other` (usually label smoothing) against cross-entropy.
///
/// Along a row every solve starts from its neighbour's solution and, for safety, from the solver's
/// own starts. Rows are shared among `threads` threads; the result does not depend on their number.
///
/// # Errors
/// A parameter out of range, by name; an empty grid; `threads` = 0; a solve that does not converge.
///
/// # Example
/// ```
/// use memdil_theory::{LossKind, MarginLoss, MdSetting, Measure, phase::phase_map};
/// let base = MdSetting {
///     lambda_w: 1e-3, lambda_h: 1e-3, eta: 0.1, c_md: 0.5,
///     measure: Measure::Sphere, dim: 2, nonnegative: true,
/// };
/// let other = MarginLoss::new(LossKind::Ls, 0.1)?;
/// let map = phase_map(&base, &other, &[0.1, 0.2], &[1e-4, 1e-3], 1)?;
/// assert!(map.ratio[0][0] < map.ratio[0][1]); // less decay, more advantage
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn phase_map(
    base: &MdSetting,
    other: &MarginLoss,
    etas: &[f64],
    lambdas: &[f64],
    threads: usize,
) -> Result<PhaseMap, TheoryError> {
    base.validate()?;
    at_least("etas", etas.len(), 1, "an empty map shows nothing")?;
    at_least("lambdas", lambdas.len(), 1, "an empty map shows nothing")?;
    at_least("threads", threads, 1, "somebody has to do the work")?;
    let cross_entropy = MarginLoss::cross_entropy();
    let solve_rows = |etas: &[f64]| -> Result<Vec<_>, TheoryError> {
        etas.iter()
            .map(|&eta| {
                Ok((
                    row(base, &cross_entropy, eta, lambdas)?,
                    row(base, other, eta, lambdas)?,
                ))
            })
            .collect()
    };
    let blocks: Vec<_> = std::thread::scope(|scope| {
        let work = etas.chunks(etas.len().div_ceil(threads));
        let handles: Vec<_> = work
            .map(|block| scope.spawn(|| solve_rows(block)))
            .collect();
        handles
            .into_iter()
            .map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut map = PhaseMap {
        etas: etas.to_vec(),
        lambdas: lambdas.to_vec(),
        rho_ce: Vec::with_capacity(etas.len()),
        rho_other: Vec::with_capacity(etas.len()),
        ratio: Vec::with_capacity(etas.len()),
    };
    for block in blocks {
        for (ce, other) in block? {
            let quotient = |(ce, other): (&Option<f64>, &Option<f64>)| match (*ce, *other) {
                (Some(ce), Some(other)) if ce > 0.0 => Some(other / ce),
                _ => None,
            };
            map.ratio
                .push(ce.iter().zip(&other).map(quotient).collect());
            map.rho_ce.push(ce);
            map.rho_other.push(other);
        }
    }
    Ok(map)
}

fn row<L: ConvexMargin>(
    base: &MdSetting,
    loss: &L,
    eta: f64,
    lambdas: &[f64],
) -> Result<Vec<Option<f64>>, TheoryError> {
    let ratio = base.lambda_w / base.lambda_h;
    let mut last = None;
    lambdas
        .iter()
        .map(|&lambda_h| {
            let setting = MdSetting {
                lambda_w: lambda_h * ratio,
                lambda_h,
                eta,
                ..*base
            };
            let outcome = solve_near(&setting, loss, last.as_slice())?;
            last = outcome.solution().copied();
            Ok(outcome.rho())
        })
        .collect()
}
