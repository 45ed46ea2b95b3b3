//! Claims about the solved models: nothing is random, so each has a rule that holds or fails.

use std::collections::BTreeMap;

use memdil_theory::limits;

use super::{Cell, Claim, Counted, Unit, Verdict};
use crate::runs::Level;
use crate::text::setting;

/// How far the exponent may be from a quarter.
const EXPONENT_TOLERANCE: f64 = 0.01;
/// How far cross-entropy's extrapolated rho may be from its limit.
const LIMIT_TOLERANCE: f64 = 0.005;

/// One setting at which both losses were solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GridPoint {
    pub(crate) c_md: f64,
    pub(crate) alpha: f64,
    pub(crate) eta: f64,
    pub(crate) lambda: f64,
    /// Rho under label smoothing over rho under cross-entropy.
    pub(crate) ratio: f64,
}

impl GridPoint {
    fn place(&self) -> String {
        let Self {
            c_md,
            alpha,
            eta,
            lambda,
            ..
        } = *self;
        format!(
            "C_MD = {c_md}, α = {alpha}, η = {}, λ = {}",
            setting(eta),
            setting(lambda)
        )
    }
}

/// A claim decided by a rule; `holds` is `None` where there was nothing to check.
pub(crate) fn decided(id: &str, holds: Option<bool>, n: usize) -> Claim {
    let (verdict, reason) = match holds {
        Some(true) => (Verdict::Supported, None),
        Some(false) => (Verdict::Refuted, None),
        None => (
            Verdict::Inconclusive,
            Some("too few points could be solved".to_owned()),
        ),
    };
    Claim {
        id: id.to_owned(),
        name: String::new(),
        statement: String::new(),
        test: String::new(),
        verdict,
        reason,
        caveat: None,
        n,
        counted: Counted::Points,
        measure: "",
        unit: Unit::Percent,
        effect: None,
        interval: None,
        p: None,
        p_holm: None,
        p_sign: None,
        notes: Vec::new(),
        cells: Vec::new(),
    }
}

/// Label smoothing dilates less than cross-entropy at every point given, which are all where both
/// have a rho.
pub(crate) fn smoothing_below_cross_entropy(points: &[GridPoint], highest: f64) -> Claim {
    let worst = points.iter().max_by(|a, b| a.ratio.total_cmp(&b.ratio));
    let failing: Vec<&GridPoint> = points
        .iter()
        .filter(|p| p.ratio.is_nan() || p.ratio >= 1.0)
        .collect();
    let mut notes = Vec::new();
    if let Some(worst) = worst {
        notes.push(format!(
            "The largest ratio is {:.4}, at {}.",
            worst.ratio,
            worst.place()
        ));
    }
    if !failing.is_empty() {
        notes.push(format!(
            "The ratio is 1 or more at {} of {} points.",
            failing.len(),
            points.len()
        ));
    }
    let mut by_setting: BTreeMap<(Level, Level), Vec<f64>> = BTreeMap::new();
    for point in points {
        by_setting
            .entry((Level(point.c_md), Level(point.alpha)))
            .or_default()
            .push(point.ratio);
    }
    let cells = by_setting.into_iter().map(|((c_md, alpha), ratios)| Cell {
        label: format!("C_MD = {}, α = {}", c_md.0, alpha.0),
        n: ratios.len(),
        effect: ratios.into_iter().max_by(f64::total_cmp).map(in_percent),
        interval: None,
    });
    Claim {
        name: "rho lower with LS than with CE".to_owned(),
        statement: format!(
            "In the solved model, LS dilates less than CE wherever λ is at most {}.",
            setting(highest)
        ),
        test: format!(
            "rho of LS over rho of CE on grids of η and λ, up to λ = {}, for several C_MD and α; sphere, P = 2, \
             non-negative features, λ_W = λ_H. Supported if the ratio is below 1 at every point, refuted otherwise",
            setting(highest)
        ),
        measure: "at worst",
        effect: worst.map(|worst| in_percent(worst.ratio)),
        notes,
        cells: cells.collect(),
        ..decided(
            "md-theory/ls-below-ce",
            worst.map(|_| failing.is_empty()),
            points.len(),
        )
    }
}

/// Rho falls like the fourth root of the decay; takes (decay, rho) in any order.
pub(crate) fn quarter_power(curve: &[(f64, f64)]) -> Claim {
    let mut curve = curve.to_vec();
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    let slope = match curve[..] {
        [(l0, r0), (l1, r1), ..] => {
            Some((r1 / r0).ln() / (l1 / l0).ln()).filter(|slope| slope.is_finite())
        }
        _ => None,
    };
    let notes = slope.map(|_| {
        format!(
            "Between λ = {} and {}.",
            setting(curve[0].0),
            setting(curve[1].0)
        )
    });
    Claim {
        name: "rho falls like the fourth root of λ under LS".to_owned(),
        statement: "Under LS, rho falls like the fourth root of λ as λ vanishes.".to_owned(),
        test: format!(
            "Slope of log rho in log λ between the two smallest λ of the curve; supported within {}% of 1/4, refuted \
             otherwise",
            100.0 * EXPONENT_TOLERANCE
        ),
        measure: "slope",
        unit: Unit::Exponent,
        effect: slope,
        notes: notes.into_iter().collect(),
        ..decided(
            "md-theory/ls-slope",
            slope.map(|slope| (4.0 * slope - 1.0).abs() <= EXPONENT_TOLERANCE),
            2,
        )
    }
}

/// Rho tends to its limit as the decay vanishes; takes (decay, rho) in any order.
///
/// The approach is logarithmic, so that no decay comes close: the distance has to shrink
/// throughout, and the last two points, continued as a line in 1/log(1/decay), have to reach the
/// limit.
pub(crate) fn cross_entropy_limit(curve: &[(f64, f64)]) -> Claim {
    let limit = limits::CROSS_ENTROPY;
    let mut curve = curve.to_vec();
    curve.sort_by(|a, b| b.0.total_cmp(&a.0));
    let found = match curve[..] {
        [_, .., (l0, r0), (l1, r1)] => {
            let (x0, x1) = (1.0 / l0.ln(), 1.0 / l1.ln());
            let continued = r1 - x1 * (r1 - r0) / (x1 - x0);
            Some((l1, r1, continued)).filter(|_| r1.is_finite() && continued.is_finite())
        }
        _ => None,
    };
    let shrinks = curve
        .windows(2)
        .all(|pair| (pair[1].1 - limit).abs() < (pair[0].1 - limit).abs());
    let holds = found
        .map(|(_, _, continued)| shrinks && (continued / limit - 1.0).abs() <= LIMIT_TOLERANCE);
    let notes = found.map(|(lambda, rho, continued)| {
        format!(
            "At λ = {} rho is {rho:.5}, {:.5} from the limit {limit:.5}; its distance {} from each λ to the next. \
             Continued as a straight line in 1/log(1/λ), rho ends at {continued:.5}.",
            setting(lambda),
            (rho - limit).abs(),
            if shrinks { "shrinks" } else { "does not shrink" },
        )
    });
    Claim {
        name: "rho tends to 0.2929 under CE".to_owned(),
        statement: "Under CE, rho tends to 1 − 1/√2 = 0.2929 as λ vanishes.".to_owned(),
        test: format!(
            "rho at falling λ; supported if its distance to the limit shrinks at every step and the line in \
             1/log(1/λ) through the two smallest λ ends within {}% of the limit, refuted otherwise",
            100.0 * LIMIT_TOLERANCE
        ),
        measure: "off the limit at the end",
        effect: found.map(|(_, rho, _)| in_percent(rho / limit)),
        notes: notes.into_iter().collect(),
        ..decided("md-theory/ce-limit", holds, curve.len())
    }
}

fn in_percent(ratio: f64) -> f64 {
    100.0 * (ratio - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(ratio: f64) -> GridPoint {
        GridPoint {
            c_md: 0.5,
            alpha: 0.1,
            eta: 0.1,
            lambda: 1e-4,
            ratio,
        }
    }

    #[test]
    fn one_reversed_point_refutes() {
        let claim = smoothing_below_cross_entropy(&[point(0.3), point(0.9)], 1e-3);
        assert_eq!(
            (claim.verdict, claim.n, claim.p),
            (Verdict::Supported, 2, None)
        );
        assert!((claim.effect.unwrap() + 10.0).abs() < 1e-9);
        for wrong in [1.0, 1.02, f64::NAN] {
            let claim =
                smoothing_below_cross_entropy(&[point(0.3), point(wrong), point(0.9)], 1e-3);
            assert_eq!(claim.verdict, Verdict::Refuted, "{wrong}");
            assert!(
                claim
                    .notes
                    .iter()
                    .any(|note| note.contains("at 1 of 3 points")),
                "{:?}",
                claim.notes
            );
        }
        assert_eq!(
            smoothing_below_cross_entropy(&[], 1e-3).verdict,
            Verdict::Inconclusive
        );
    }

    #[test]
    fn the_exponent_is_a_quarter_or_refuted() {
        let curve = |power: f64| {
            [1e-3, 1e-8, 1e-9].map(|l: f64| (l, if l > 1e-4 { 7.0 } else { l.powf(power) }))
        };
        assert_eq!(quarter_power(&curve(0.25)).verdict, Verdict::Supported);
        assert_eq!(quarter_power(&curve(0.252)).verdict, Verdict::Supported);
        for power in [0.24, 0.26, 0.5, -0.25, 0.0] {
            let claim = quarter_power(&curve(power));
            assert_eq!(claim.verdict, Verdict::Refuted, "{power}");
            assert!((claim.effect.unwrap() - power).abs() < 1e-9);
        }
        assert_eq!(quarter_power(&[(1e-3, 0.1)]).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_limit_elsewhere_or_a_growing_distance_refutes() {
        let lambdas = [1e-8, 1e-12, 1e-16, 1e-20];
        let towards = |limit: f64, slope: f64| lambdas.map(|l: f64| (l, limit + slope / -l.ln()));
        assert_eq!(
            cross_entropy_limit(&towards(0.2929, 0.13)).verdict,
            Verdict::Supported
        );
        assert_eq!(
            cross_entropy_limit(&towards(0.2929, -0.2)).verdict,
            Verdict::Supported
        );
        for (limit, slope) in [(0.296, 0.05), (0.28, 0.5), (0.25, 0.0), (0.2961, 0.0)] {
            assert_eq!(
                cross_entropy_limit(&towards(limit, slope)).verdict,
                Verdict::Refuted,
                "{limit} {slope}"
            );
        }
        // The right end, approached by a detour.
        let mut detour = towards(0.2929, 0.13);
        detour[1].1 = 0.5;
        assert_eq!(cross_entropy_limit(&detour).verdict, Verdict::Refuted);
        assert_eq!(
            cross_entropy_limit(&detour[..2]).verdict,
            Verdict::Inconclusive
        );
    }
}
