//! Claims about the solved models. They involve no randomness, so each rule either holds or fails.

use std::collections::BTreeMap;

use memdil_claims::{CellEffect, Claim, Counted, Declaration, Unit, Verdict};
use memdil_theory::limits;

use crate::runs::Level;
use crate::text::setting;
use crate::theory::GridPoint;

/// Adds the id, name and statement that the experiment file declares to an outcome.
pub(crate) fn with_declaration(
    experiment: &str,
    declaration: &Declaration,
    outcome: Claim,
) -> Claim {
    Claim {
        id: format!("{experiment}/{}", declaration.id),
        name: declaration.name.clone(),
        statement: declaration.statement.clone(),
        ..outcome
    }
}

/// A claim decided by a rule; `holds` is `None` if there was nothing to check.
pub(crate) fn exact_claim(holds: Option<bool>, n: usize) -> Claim {
    let verdict = match holds {
        Some(true) => Verdict::Supported,
        Some(false) => Verdict::Refuted,
        None => Verdict::Inconclusive,
    };
    let unsolved = "too few points could be solved";
    Claim {
        id: String::new(),
        name: String::new(),
        statement: String::new(),
        test: String::new(),
        refuted_if: "Refuted if the rule fails at any point.".to_owned(),
        verdict,
        reason: holds.is_none().then(|| unsolved.to_owned()),
        n,
        counted: Counted::Points,
        measure: String::new(),
        unit: Unit::Percent,
        effect: None,
        interval: None,
        bound: None,
        p: None,
        p_holm: None,
        family: None,
        p_signed_rank: None,
        p_sign: None,
        conditions: Vec::new(),
        notes: Vec::new(),
        values: BTreeMap::new(),
        cells: Vec::new(),
    }
}

/// Tests that label smoothing dilates less than cross-entropy at every given point whose
/// $\lambda_W / C_{MD}^2$ is at most the bound.
///
/// `deviation` is the largest relative change of a ratio when only $C_{MD}$ varies.
pub(crate) fn smoothing_below_cross_entropy(
    points: &[GridPoint],
    bound: f64,
    deviation: Option<f64>,
) -> Claim {
    // The tolerance includes grid points that equal the bound up to rounding.
    let below_bound = |point: &&GridPoint| point.classifier <= bound * (1.0 + 1e-9);
    let points: Vec<&GridPoint> = points.iter().filter(below_bound).collect();
    let worst = points.iter().max_by(|a, b| a.ratio.total_cmp(&b.ratio));
    let fails = |point: &&&GridPoint| point.ratio.is_nan() || point.ratio >= 1.0;
    let (all, failing) = (points.len(), points.iter().filter(fails).count());
    let mut notes = Vec::new();
    if let Some(worst) = worst {
        let (ratio, place) = (worst.ratio, worst.describe());
        notes.push(format!("The largest ratio is {ratio:.4}, at {place}."));
    }
    if failing > 0 {
        notes.push(format!(
            "The ratio is 1 or more at {failing} of {all} points."
        ));
    }
    if let Some(deviation) = deviation {
        notes.push(format!(
            "The ratio depends on λ_W/C_MD² and λ_H·C_MD² only: with both fixed and C_MD from 0.01 to 5, its relative \
             change is at most {deviation:.1e}."
        ));
    }
    let mut by_setting: BTreeMap<(Level, Level), Vec<f64>> = BTreeMap::new();
    for point in &points {
        let setting = (Level(point.alpha), Level(point.eta));
        by_setting.entry(setting).or_default().push(point.ratio);
    }
    let mut cells = Vec::new();
    for ((alpha, eta), ratios) in by_setting {
        cells.push(CellEffect {
            label: format!("α = {alpha}, η = {}", setting(eta.0)),
            n: ratios.len(),
            effect: ratios.into_iter().max_by(f64::total_cmp).map(in_percent),
            interval: None,
        });
    }
    Claim {
        test: format!(
            "rho of LS over rho of CE on grids of λ_W/C_MD² up to {} and λ_H·C_MD², for several η and α; sphere, P = 2, \
             non-negative features; settings at which a loss collapses to zero are excluded. Supported if the ratio is \
             below 1 at every point, refuted otherwise",
            setting(bound)
        ),
        measure: "worst case".to_owned(),
        effect: worst.map(|worst| in_percent(worst.ratio)),
        notes,
        cells,
        ..exact_claim(worst.map(|_| failing == 0), all)
    }
}

/// Tests that rho falls like the fourth root of the decay. The points (decay, rho) may be in any
/// order.
pub(crate) fn quarter_power(curve: &[(f64, f64)], tolerance: f64) -> Claim {
    let mut curve = curve.to_vec();
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut slope, mut notes) = (None, Vec::new());
    if let [(l0, r0), (l1, r1), ..] = curve[..] {
        let found = (r1 / r0).ln() / (l1 / l0).ln();
        if found.is_finite() {
            slope = Some(found);
            let (l0, l1) = (setting(l0), setting(l1));
            notes.push(format!("Between λ = {l0} and {l1}."));
        }
    }
    Claim {
        test: format!(
            "Slope of log rho in log λ between the two smallest λ of the curve; supported within {}% of 1/4, refuted \
             otherwise",
            100.0 * tolerance
        ),
        measure: "slope".to_owned(),
        unit: Unit::Exponent,
        effect: slope,
        notes,
        ..exact_claim(slope.map(|slope| (4.0 * slope - 1.0).abs() <= tolerance), 2)
    }
}

/// Tests that rho tends to its limit as the decay vanishes. The points (decay, rho) may be in any
/// order.
///
/// Convergence is logarithmic, so that even tiny decays are far from the limit. The distance must
/// therefore shrink at every step, and a linear extrapolation of the last two points in
/// 1/log(1/decay) must reach the limit.
pub(crate) fn cross_entropy_limit(curve: &[(f64, f64)], tolerance: f64) -> Claim {
    let limit = limits::CROSS_ENTROPY;
    let mut curve = curve.to_vec();
    curve.sort_by(|a, b| b.0.total_cmp(&a.0));
    let distance = |(_, rho): (f64, f64)| (rho - limit).abs();
    let mut pairs = curve.windows(2);
    let shrinks = pairs.all(|pair| distance(pair[1]) < distance(pair[0]));
    let (mut holds, mut effect, mut notes) = (None, None, Vec::new());
    if let [_, .., (l0, r0), (l1, r1)] = curve[..] {
        let (x0, x1) = (1.0 / l0.ln(), 1.0 / l1.ln());
        let continued = r1 - x1 * (r1 - r0) / (x1 - x0);
        if r1.is_finite() && continued.is_finite() {
            holds = Some(shrinks && (continued / limit - 1.0).abs() <= tolerance);
            effect = Some(in_percent(r1 / limit));
            notes.push(format!(
                "At λ = {}, rho is {r1:.5}, at a distance of {:.5} from the limit {limit:.5}; this distance {} at every \
                 step. Linear extrapolation in 1/log(1/λ) gives {continued:.5}.",
                setting(l1),
                distance((l1, r1)),
                if shrinks { "shrinks" } else { "does not shrink" },
            ));
        }
    }
    Claim {
        test: format!(
            "rho at decreasing λ; supported if its distance to the limit shrinks at every step and the linear \
             extrapolation in 1/log(1/λ) from the two smallest λ is within {}% of the limit, refuted otherwise",
            100.0 * tolerance
        ),
        measure: "relative distance to the limit at the smallest λ".to_owned(),
        effect,
        notes,
        ..exact_claim(holds, curve.len())
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
            alpha: 0.1,
            eta: 0.1,
            classifier: 1e-4,
            features: 1e-4,
            ratio,
        }
    }

    #[test]
    fn one_reversed_point_refutes_the_claim() {
        let claim = smoothing_below_cross_entropy(&[point(0.3), point(0.9)], 1e-3, None);
        assert_eq!(
            (claim.verdict, claim.n, claim.p),
            (Verdict::Supported, 2, None)
        );
        assert!((claim.effect.unwrap() + 10.0).abs() < 1e-9);
        for wrong in [1.0, 1.02, f64::NAN] {
            let claim =
                smoothing_below_cross_entropy(&[point(0.3), point(wrong), point(0.9)], 1e-3, None);
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
            smoothing_below_cross_entropy(&[], 1e-3, None).verdict,
            Verdict::Inconclusive
        );
    }

    #[test]
    fn only_an_exponent_of_a_quarter_is_supported() {
        let curve = |power: f64| {
            [1e-3, 1e-8, 1e-9].map(|l: f64| (l, if l > 1e-4 { 7.0 } else { l.powf(power) }))
        };
        assert_eq!(
            quarter_power(&curve(0.25), 0.01).verdict,
            Verdict::Supported
        );
        assert_eq!(
            quarter_power(&curve(0.252), 0.01).verdict,
            Verdict::Supported
        );
        for power in [0.24, 0.26, 0.5, -0.25, 0.0] {
            let claim = quarter_power(&curve(power), 0.01);
            assert_eq!(claim.verdict, Verdict::Refuted, "{power}");
            assert!((claim.effect.unwrap() - power).abs() < 1e-9);
        }
        assert_eq!(
            quarter_power(&[(1e-3, 0.1)], 0.01).verdict,
            Verdict::Inconclusive
        );
    }

    #[test]
    fn another_limit_or_a_growing_distance_refutes_the_claim() {
        let lambdas = [1e-8, 1e-12, 1e-16, 1e-20];
        let towards = |limit: f64, slope: f64| lambdas.map(|l: f64| (l, limit + slope / -l.ln()));
        assert_eq!(
            cross_entropy_limit(&towards(0.2929, 0.13), 0.005).verdict,
            Verdict::Supported
        );
        assert_eq!(
            cross_entropy_limit(&towards(0.2929, -0.2), 0.005).verdict,
            Verdict::Supported
        );
        for (limit, slope) in [(0.296, 0.05), (0.28, 0.5), (0.25, 0.0), (0.2961, 0.0)] {
            assert_eq!(
                cross_entropy_limit(&towards(limit, slope), 0.005).verdict,
                Verdict::Refuted,
                "{limit} {slope}"
            );
        }
        // The limit is right, but the distance grows at one step.
        let mut detour = towards(0.2929, 0.13);
        detour[1].1 = 0.5;
        assert_eq!(
            cross_entropy_limit(&detour, 0.005).verdict,
            Verdict::Refuted
        );
        assert_eq!(
            cross_entropy_limit(&detour[..2], 0.005).verdict,
            Verdict::Inconclusive
        );
    }
}
