//! The model with unseen features that jump: optimality, laws and invalid input.

use memdil_theory::limits::{self, limits};
use memdil_theory::memorization_dilation::{Reduced, classes, solve};
use memdil_theory::phase::phase_map;
use memdil_theory::{FeatureMeasure, LossKind, MarginLoss, MdOutcome, MdSetting, MdSolution};
use proptest::prelude::*;

use crate::common::Scatter;

fn at(lambda: f64) -> MdSetting {
    MdSetting::new(lambda, lambda)
        .noise(0.1, 0.5)
        .measure(FeatureMeasure::Jumps)
}

fn losses() -> [MarginLoss; 3] {
    [
        MarginLoss::cross_entropy(),
        MarginLoss::new(LossKind::Ls, 0.1).unwrap(),
        MarginLoss::new(LossKind::Lr, 0.1).unwrap(),
    ]
}

fn solved(setting: &MdSetting, loss: &MarginLoss) -> MdSolution {
    *solve(setting, loss).unwrap().solution().unwrap()
}

prop_compose! {
    fn settings()(
        w in -6.0..-1.0f64, h in -6.0..-1.0f64, eta in 0.01..0.6f64, c in -1.3..0.7f64, nonnegative: bool,
    ) -> MdSetting {
        let setting = MdSetting::new(10f64.powf(w), 10f64.powf(h)).noise(eta, 10f64.powf(c));
        setting.measure(FeatureMeasure::Jumps).nonnegative(nonnegative)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_feasible_step_reduces_the_risk(setting in settings(), kind in 0usize..3, seed: u64) {
        let loss = losses()[kind];
        let MdOutcome::Solved(solution) = solve(&setting, &loss).unwrap() else { return Ok(()) };
        let (problem, p) = (Reduced::new(&setting, &loss), solution.plane);
        let y = [solution.logit_clean.ln(), p.d.ln(), p.xi / p.d, p.mu / p.d, p.m / p.d];
        prop_assert!((problem.excess(&y) / solution.excess - 1.0).abs() < 1e-9);
        let mut scatter = Scatter(seed);
        for trial in 0..60 {
            let reach = 2.0 * 10f64.powi(-(trial % 5));
            let mut z: [f64; 5] = y.map(|v| v + reach * scatter.between(-1.0, 1.0));
            if setting.nonnegative {
                z[4] = z[4].max(1.0);
                z[3] = z[3].max(z[2].abs());
            } else {
                (z[3], z[4]) = (0.0, 0.0);
            }
            prop_assert!(problem.excess(&z) >= solution.excess * (1.0 - 1e-9), "{z:?} {y:?}");
        }
    }

    #[test]
    fn gradient_equals_finite_differences(
        setting in settings(), kind in 0usize..3,
        y in [-0.5..1.5f64, -1.5..0.5f64, -0.5..1.2f64, 0.0..1.5f64, 1.0..1.5f64],
    ) {
        let loss = losses()[kind];
        let problem = Reduced::new(&setting, &loss);
        let (value, gradient, _) = problem.excess_derivatives(&y);
        prop_assert!((value / problem.excess(&y) - 1.0).abs() < 1e-12);
        for i in 0..5 {
            let (mut up, mut down) = (y, y);
            up[i] += 1e-5;
            down[i] -= 1e-5;
            let slope = (problem.excess(&up) - problem.excess(&down)) / 2e-5;
            let size = 1.0 + value + gradient[i].abs();
            prop_assert!((slope - gradient[i]).abs() < 1e-6 * size, "{i}: {slope} {}", gradient[i]);
        }
    }

    #[test]
    fn solutions_do_not_depend_on_the_unit_of_features(setting in settings(), factor in 0.2..5.0f64, kind in 0usize..3) {
        let other = setting
            .weight_decay(setting.lambda_w * factor * factor, setting.lambda_h / (factor * factor))
            .noise(setting.eta, setting.c_md * factor);
        let loss = losses()[kind];
        let (here, there) = (solve(&setting, &loss).unwrap(), solve(&other, &loss).unwrap());
        match (here.solution(), there.solution()) {
            (Some(here), Some(there)) => {
                prop_assert!((here.risk / there.risk - 1.0).abs() < 1e-9);
                prop_assert!((here.rho / there.rho - 1.0).abs() < 1e-3, "{here:?} {there:?}");
            }
            (here, there) => prop_assert_eq!(here.is_some(), there.is_some()),
        }
    }

    #[test]
    fn small_decay_follows_the_law(eta in 0.02..0.4f64, share in 0.1..1.0f64, kind in 0usize..3, nonnegative: bool) {
        let loss = losses()[kind];
        let c_md = eta / share;
        let error = |lambda: f64| {
            // Only these products matter.
            let square = c_md * c_md;
            let setting = at(lambda).weight_decay(lambda * square, lambda / square);
            let setting = setting.noise(eta, c_md).nonnegative(nonnegative);
            let law = limits::jumps(&setting, &loss).unwrap();
            let found = solved(&setting, &loss);
            let parts = found.jumps.unwrap();
            ((parts.moved / law.dilation.moved).ln().abs()).max((found.nc1 / law.dilation.nc1).ln().abs())
        };
        // Smaller decays determine the clean margin of CE and LR only beyond double precision.
        let (near, nearer) = (error(1e-6), error(1e-8));
        if kind == 0 {
            prop_assert!(nearer < 0.05, "{nearer}");
        } else {
            prop_assert!(nearer < 0.15 && nearer < 0.6 * near, "{near} {nearer}");
        }
    }
}

#[test]
fn parts_agree_with_each_other() {
    for loss in losses() {
        for lambda in [1e-2, 1e-4] {
            let found = solved(&at(lambda), &loss);
            let parts = found.jumps.unwrap();
            assert!(parts.wrong_side < parts.moved && parts.moved < 1.0);
            let unseen = found.separation * parts.shrink;
            assert!((found.rho - found.radius / unseen).abs() < 1e-12);
            assert_eq!((found.rho, found.nc1), (parts.rho, parts.nc1));
        }
    }
}

#[test]
fn a_larger_c_md_moves_fewer_samples() {
    // C_MD is the largest slope: a steeper map moves fewer unseen samples, at a lower risk.
    for loss in losses() {
        let at = |c_md| solved(&at(1e-3).noise(0.1, c_md), &loss);
        let found: Vec<MdSolution> = [0.2, 0.5, 1.0, 2.0, 5.0].map(at).into();
        for pair in found.windows(2) {
            assert!(pair[1].risk < pair[0].risk);
            assert!(pair[1].jumps.unwrap().moved < pair[0].jumps.unwrap().moved);
        }
    }
}

#[test]
fn maps_and_classes_and_limits() {
    let smoothing = MarginLoss::new(LossKind::Ls, 0.1).unwrap();
    let map = phase_map(&at(1e-3), &smoothing, &[0.1, 0.3], &[1e-4, 1e-2]).unwrap();
    assert!(
        map.ratio
            .iter()
            .flatten()
            .all(|ratio| ratio.is_some_and(|ratio| ratio < 1.0))
    );
    let message = |error: memdil_theory::TheoryError| error.to_string();
    let classes = message(classes::solve(&at(1e-3), &smoothing, 3).unwrap_err());
    assert!(classes.contains("sphere"), "{classes}");
    let law = |loss| limits::jumps(&at(1e-3), &loss).unwrap().dilation.rho;
    let [ce, ls, lr] = losses().map(law);
    let found = limits(&at(1e-3), 0.1).unwrap();
    assert_eq!(
        (found.rho_ce, found.rho_ls, found.rho_lr),
        (Some(ce), ls, Some(lr))
    );
    assert_eq!(limits(&at(1e-3), 0.5).unwrap().rho_lr, None);
    let law = message(limits::label_smoothing(&at(1e-3), 0.1).unwrap_err());
    assert!(law.contains("limits::jumps"), "{law}");
    let sphere = at(1e-3).measure(FeatureMeasure::Sphere);
    assert!(limits::jumps(&sphere, &smoothing).is_err());
    assert!(limits::jumps(&at(1e-3).noise(0.0, 1.0), &smoothing).is_err());
    let flat = MarginLoss::new(LossKind::Lr, 0.5).unwrap();
    assert!(message(limits::jumps(&at(1e-3), &flat).unwrap_err()).contains("below 1/2"));
}
