//! The settings of the drawn models, and helpers to solve them.

use memdil_theory::memorization_dilation::{classes, solve};
use memdil_theory::{LossKind, MarginLoss, MdRecord, MdSetting, TheoryError};

use crate::loss::Loss;

/// The default noise level and constant of the curves.
pub(super) const ETA: f64 = 0.1;
pub(super) const C_MD: f64 = 0.5;
/// The parameter of LS and LR.
pub(super) const ALPHA: f64 = 0.1;

/// The model on a sphere in as many dimensions as classes, with non-negative features and equal
/// decays.
pub(super) fn setting(eta: f64, c_md: f64, lambda: f64, classes: usize) -> MdSetting {
    MdSetting::new(lambda, lambda).noise(eta, c_md).dim(classes)
}

/// The corresponding loss of the model; `None` if the model does not support the loss.
pub(super) fn margin_loss(loss: Loss, alpha: f64) -> Result<Option<MarginLoss>, TheoryError> {
    match loss {
        Loss::CrossEntropy => Ok(Some(MarginLoss::cross_entropy())),
        Loss::LabelSmoothing => MarginLoss::new(LossKind::Ls, alpha).map(Some),
        Loss::LabelRelaxation => MarginLoss::new(LossKind::Lr, alpha).map(Some),
        _ => Ok(None),
    }
}

/// Rho of the model; `None` if all features collapse to zero.
pub(super) fn rho(
    setting: &MdSetting,
    loss: &MarginLoss,
    of: usize,
) -> Result<Option<f64>, TheoryError> {
    if of == 2 {
        return Ok(solve(setting, loss)?.rho());
    }
    let outcome = classes::solve(setting, loss, of)?;
    Ok(MdRecord::of_classes(*loss, *setting, of, outcome).rho)
}

/// `count` equally spaced numbers from `low` to `high`; both ends are exact.
pub(super) fn evenly(low: f64, high: f64, count: usize) -> Vec<f64> {
    let last = (count - 1) as f64;
    (0..count)
        .map(|i| (low * (last - i as f64) + high * i as f64) / last)
        .collect()
}

/// Numbers from `10^first` to `10^last`, with `steps` equal ratios per decade.
pub(super) fn decades(first: i32, last: i32, steps: usize) -> Vec<f64> {
    let count = first.abs_diff(last) as usize * steps + 1;
    let exponents = evenly(f64::from(first), f64::from(last), count).into_iter();
    exponents.map(|exponent| 10.0_f64.powf(exponent)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_contain_the_powers_of_ten() {
        assert_eq!(decades(-3, -1, 1), [1e-3, 1e-2, 1e-1]);
        assert_eq!(decades(-8, -10, 2).len(), 5);
    }
}
