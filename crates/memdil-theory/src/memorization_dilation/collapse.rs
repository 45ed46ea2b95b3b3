//! Total collapse, and the optimum in which training features collapse.

use super::balance::balanced_margin;
use super::setting::MdSetting;
use crate::error::TheoryError;
use crate::margin::ConvexMargin;

/// The derivative $-l^\prime$ that balances the decay of weights and class features, whose cost is
/// this value times $2A$.
pub(super) fn decay_slope(setting: &MdSetting) -> f64 {
    let across = if setting.nonnegative { 2.0 } else { 1.0 };
    (setting.lambda_w * setting.lambda_h * across).sqrt()
}

pub(super) fn is_collapsed<L: ConvexMargin + ?Sized>(setting: &MdSetting, loss: &L) -> bool {
    let pull = -loss.derivatives(0.0)[1];
    pull * (1.0 + setting.eta).sqrt() <= decay_slope(setting)
}

/// Margin and `d` of the optimum without noise, for which the decay of weights equals that of
/// features. Near the collapse threshold both may be 0, although the optimum with noise is not
/// zero.
pub(super) fn noise_free<L: ConvexMargin + ?Sized>(setting: &MdSetting, loss: &L) -> (f64, f64) {
    collapsed(setting, loss, 1.0)
}

/// Margin and `d` if the features of `weight` samples per class are at one point.
fn collapsed<L: ConvexMargin + ?Sized>(setting: &MdSetting, loss: &L, weight: f64) -> (f64, f64) {
    let decay = decay_slope(setting) / weight.sqrt();
    let margin = balanced_margin(|z| loss.derivatives(z)[1], decay);
    let across: f64 = if setting.nonnegative { 2.0 } else { 1.0 };
    let d2 = 0.5 * margin * (setting.lambda_w / (setting.lambda_h * across * weight)).sqrt();
    (margin, d2.sqrt())
}

/// The distance of the class features if training features collapse completely: noisy samples are
/// at the class feature of their label, and unseen features are not part of the risk. `None` after
/// total collapse.
///
/// # Errors
/// A parameter out of range.
///
/// # Example
/// ```
/// use memdil_theory::{MarginLoss, MdSetting, memorization_dilation::collapsed_separation};
/// let loss = MarginLoss::cross_entropy();
/// let at = |factor: f64| MdSetting::new(1e-3 * factor, 1e-3 / factor).noise(0.1, 0.5);
/// let near = collapsed_separation(&at(1.0), &loss)?.unwrap();
/// let far = collapsed_separation(&at(4.0), &loss)?.unwrap();
/// assert!((far / near - 2.0).abs() < 1e-12);
/// # Ok::<(), memdil_theory::TheoryError>(())
/// ```
pub fn collapsed_separation<L: ConvexMargin + ?Sized>(
    setting: &MdSetting,
    loss: &L,
) -> Result<Option<f64>, TheoryError> {
    setting.validate()?;
    let (margin, d) = collapsed(setting, loss, 1.0 + setting.eta);
    Ok((margin > 0.0).then_some(2.0 * d))
}
