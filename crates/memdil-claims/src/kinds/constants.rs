//! Runs in the variables of the memorization-dilation model.

use memdil_records::RunSpec;
use memdil_theory::fit::FitRow;
use memdil_theory::{LossKind, MarginLoss};

use crate::runs::finished::Run;
use crate::stats::mean;

/// The loss in the form that the model needs.
pub(super) fn margin_loss(spec: &RunSpec) -> Result<MarginLoss, String> {
    let alpha = spec.loss.alpha().unwrap_or(0.0);
    let loss = match spec.loss.short_name() {
        "CE" => return Ok(MarginLoss::cross_entropy()),
        "LS" => MarginLoss::new(LossKind::Ls, alpha),
        "LR" => MarginLoss::new(LossKind::Lr, alpha),
        other => return Err(format!("the model is not defined for the loss {other}")),
    };
    loss.map_err(|error| error.to_string())
}

/// A run as a point of the line $\rho = \rho_0 + \eta\nu/C_{MD}$, with a relative dilation as
/// $\rho$.
pub(super) fn fit_row(run: &Run<'_>, relative_dilation: &str) -> Result<FitRow, String> {
    let eta = eta(run);
    let separation = run.last("test.separation")?;
    let mut memorization = 0.0;
    if eta > 0.0 {
        memorization = run.last("memorization_mean")?;
    }
    Ok(FitRow {
        eta,
        memorization,
        separation,
        radius: run.last(relative_dilation)? * separation,
        group: None,
    })
}

/// The ratio of noisy to clean samples.
pub(super) fn eta(run: &Run<'_>) -> f64 {
    let share = run.record().realised_noise;
    share / (1.0 - share)
}

/// Slope and intercept of the least-squares line; `None` if all `x` are equal.
pub(super) fn line(x: &[f64], y: &[f64]) -> Option<(f64, f64)> {
    let (centre_x, centre_y) = (mean(x)?, mean(y)?);
    let xx: f64 = x.iter().map(|x| (x - centre_x).powi(2)).sum();
    let products = x
        .iter()
        .zip(y)
        .map(|(x, y)| (x - centre_x) * (y - centre_y));
    let slope = products.sum::<f64>() / xx;
    (xx > 0.0).then_some((slope, centre_y - slope * centre_x))
}
