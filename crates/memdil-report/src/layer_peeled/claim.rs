//! The claim that gradient descent reaches the closed form.

use memdil_claims::{Claim, Unit};

use super::descent::Descent;
use crate::claims::exact_claim;
use crate::text::count;

/// Supported if every training converged to the closed form, refuted if one converged elsewhere;
/// `None` without trainings.
pub(crate) fn claim(descents: &[Descent], tolerance: f64) -> Option<Claim> {
    let (mut judged, mut errors) = (0, Vec::new());
    for descent in descents.iter().filter(|descent| descent.exact.is_some()) {
        judged += 1;
        if descent.converged() {
            errors.extend(
                descent
                    .errors()
                    .and_then(|errors| errors.into_iter().reduce(f64::max)),
            );
        }
    }
    let largest = errors.iter().copied().reduce(f64::max);
    let open = judged - errors.len();
    let (holds, reason) = match largest {
        Some(largest) if largest > tolerance => (Some(false), None),
        _ if open > 0 => {
            let open = count(open, "training has", "trainings have");
            (None, Some(format!("{open} not converged")))
        }
        Some(_) => (Some(true), None),
        None => {
            let reason = "no training has a closed form to compare with";
            (None, Some(reason.to_owned()))
        }
    };
    (!descents.is_empty()).then(|| Claim {
        test: format!(
            "Relative errors of objective, logit gap and squared norms of the converged trainings; supported if all are \
             at most {tolerance:e}, refuted otherwise"
        ),
        reason,
        measure: "largest error".to_owned(),
        unit: Unit::RelativeError,
        effect: largest,
        ..exact_claim(holds, errors.len())
    })
}
