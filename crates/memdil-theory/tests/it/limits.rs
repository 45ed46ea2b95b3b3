//! Comparison of the laws for vanishing weight decay with the solver.

use memdil_theory::limits::{self, label_relaxation, label_smoothing, label_smoothing_classes};
use memdil_theory::memorization_dilation::{classes, solve};
use memdil_theory::{FeatureMeasure, LossKind, MarginLoss, MdSetting};
use proptest::prelude::*;

fn at(lambda: f64) -> MdSetting {
    MdSetting::new(lambda, lambda).noise(0.1, 0.5)
}

fn rho(setting: &MdSetting, kind: LossKind, alpha: f64) -> f64 {
    let loss = MarginLoss::new(kind, alpha).unwrap();
    solve(setting, &loss).unwrap().rho().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn label_smoothing_follows_its_law(
        eta in 0.01..0.45f64, share in 0.05..1.0f64, alpha in 0.02..0.3f64, dim in 2usize..12,
        measure in prop_oneof![
            Just(FeatureMeasure::Sphere), Just(FeatureMeasure::Ball), Just(FeatureMeasure::TwoPoint), Just(FeatureMeasure::Gaussian)
        ],
        nonnegative: bool,
    ) {
        let setting = at(1e-9).noise(eta, eta / share).measure(measure).dim(dim).nonnegative(nonnegative);
        let law = label_smoothing(&setting, alpha).unwrap();
        let found = rho(&setting, LossKind::Ls, alpha);
        prop_assert!((found / law - 1.0).abs() < 0.01, "{found} {law} {setting:?}");
        // The noisy features converge to the class feature of their label.
        let loss = MarginLoss::new(LossKind::Ls, alpha).unwrap();
        let solution = *solve(&setting, &loss).unwrap().solution().unwrap();
        prop_assert!((solution.memorization / solution.separation - 1.0).abs() < 0.02);
    }

    #[test]
    fn cross_entropy_approaches_its_constant(
        eta in 0.02..0.45f64, share in 0.1..1.5f64, two_points: bool, nonnegative: bool,
    ) {
        let measure = if two_points { FeatureMeasure::TwoPoint } else { FeatureMeasure::Sphere };
        let setting = |lambda| at(lambda).noise(eta, eta / share).measure(measure).nonnegative(nonnegative);
        // Convergence is logarithmic in the decay and not monotone, so extremely small values are
        // needed.
        let gap = |lambda| (rho(&setting(lambda), LossKind::Ce, 0.0) - limits::CROSS_ENTROPY).abs();
        let (near, nearer) = (gap(1e-20), gap(1e-60));
        prop_assert!(near < 0.01 && nearer < 0.004, "{near} {nearer}");
    }

    #[test]
    fn label_relaxation_approaches_its_hard_margin(
        eta in 0.02..0.45f64, c_md in 0.2..2.0f64, alpha in 0.02..0.4f64, nonnegative: bool, ball: bool,
        log_ratio in -1.0..1.0f64,
    ) {
        let measure = if ball { FeatureMeasure::Ball } else { FeatureMeasure::TwoPoint };
        let base = at(1e-8);
        let lambda_w = base.lambda_w * 10f64.powf(log_ratio);
        let setting = base.weight_decay(lambda_w, base.lambda_h).noise(eta, c_md).measure(measure).nonnegative(nonnegative);
        let limit = label_relaxation(&setting, alpha).unwrap();
        let found = rho(&setting, LossKind::Lr, alpha);
        // A ball has little mass near its surface, so convergence is slower.
        let tolerance = if ball { 0.04 } else { 1e-3 };
        prop_assert!((found / limit.rho - 1.0).abs() < tolerance, "{found} {limit:?}");
    }
}

#[test]
fn label_relaxation_has_the_expected_constants() {
    for (alpha, expected) in [(0.1, 0.2496), (0.25, 0.2027)] {
        let limit = label_relaxation(&at(1e-9), alpha).unwrap();
        assert!((limit.rho - expected).abs() < 5e-5, "{limit:?}");
        let found = rho(&at(1e-9), LossKind::Lr, alpha);
        assert!((found - limit.rho).abs() < 1e-5, "{found} {limit:?}");
        assert!((limit.memorization * 0.1 / 0.5 - limit.rho).abs() < 1e-12);
        // Both margin constraints are tight.
        assert!(
            (limit.logit_clean * (1.0 - 2.0 * limit.rho) / limit.logit_noisy - 1.0).abs() < 1e-8
        );
    }
}

#[test]
fn weak_relaxation_approaches_cross_entropy() {
    // z* grows only like log(1/alpha), so convergence (from below) is slow.
    let gaps: Vec<f64> = [1e-2, 1e-8, 1e-100, 1e-300]
        .map(|alpha| limits::CROSS_ENTROPY - label_relaxation(&at(1e-9), alpha).unwrap().rho)
        .into();
    assert!(
        gaps.windows(2).all(|pair| pair[1] < pair[0]) && gaps[3] > 0.0,
        "{gaps:?}"
    );
    assert!(gaps[3] < 5e-3, "{gaps:?}");
}

#[test]
fn limits_of_the_three_losses_are_ordered() {
    let found = limits::limits(&at(1e-6), 0.1).unwrap();
    assert!(found.rho_ls < found.rho_lr.unwrap() && found.rho_lr < found.rho_ce);
    let gaussian = at(1e-6).measure(FeatureMeasure::Gaussian);
    let found = limits::limits(&gaussian, 0.1).unwrap();
    assert!(found.rho_ce.is_none() && found.rho_lr.is_none());
    assert!(
        label_relaxation(&at(1e-6), 0.5)
            .unwrap_err()
            .to_string()
            .contains("below 1/2")
    );
    assert!(
        label_smoothing(&at(1e-6), 0.0)
            .unwrap_err()
            .to_string()
            .contains("cross-entropy")
    );
}

#[test]
fn high_dimension_delays_the_constant_of_cross_entropy() {
    let setting = at(1e-20).dim(50);
    assert!((rho(&setting, LossKind::Ce, 0.0) - 0.448).abs() < 1e-3);
    assert!((rho(&at(1e-20), LossKind::Ce, 0.0) - 0.2961).abs() < 1e-4);
}

#[test]
fn label_smoothing_of_several_classes_follows_its_law() {
    for (count, dim, nonnegative) in [(3, 3, true), (4, 4, false), (3, 8, false)] {
        let setting = at(1e-8).dim(dim).nonnegative(nonnegative);
        let loss = MarginLoss::new(LossKind::Ls, 0.1).unwrap();
        let outcome = classes::solve(&setting, &loss, count).unwrap();
        let classes::ClassesOutcome::Solved(found) = outcome else {
            panic!("{outcome:?}");
        };
        let law = label_smoothing_classes(&setting, 0.1, count).unwrap();
        assert!(
            (found.rho / law - 1.0).abs() < 2e-3,
            "{count}: {} {law}",
            found.rho
        );
    }
}
