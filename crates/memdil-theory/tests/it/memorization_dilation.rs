//! Tests of the memorization-dilation model for random parameters: optimality, collapse and invalid
//! input.

use memdil_theory::layer_peeled::{LpmSetting, closed_form};
use memdil_theory::memorization_dilation::classes::{self, ClassesOutcome};
use memdil_theory::memorization_dilation::{Reduced, solve, solve_near};
use memdil_theory::{
    ConvexMargin, FeatureMeasure, LossKind, MarginLoss, MdOutcome, MdSetting, MdSolution,
};
use proptest::prelude::*;

use crate::common::Scatter;

fn base() -> MdSetting {
    MdSetting::new(1e-3, 1e-3).noise(0.1, 0.5)
}

fn decay(lambda: f64) -> MdSetting {
    base().weight_decay(lambda, lambda)
}

fn smoothing(alpha: f64) -> MarginLoss {
    MarginLoss::new(LossKind::Ls, alpha).unwrap()
}

fn solved(setting: &MdSetting, loss: &MarginLoss) -> MdSolution {
    *solve(setting, loss)
        .unwrap()
        .solution()
        .unwrap_or_else(|| panic!("collapse: {setting:?}"))
}

fn natural(s: &MdSolution) -> [f64; 5] {
    let p = s.plane;
    [
        s.logit_clean.ln(),
        p.d.ln(),
        p.xi / p.d,
        p.mu / p.d,
        p.m / p.d,
    ]
}

prop_compose! {
    fn settings()(
        w in -6.0..-1.5f64, h in -6.0..-1.5f64, eta in 0.01..0.6f64, c in -1.0..0.7f64,
        measure in prop_oneof![
            Just(FeatureMeasure::Sphere), Just(FeatureMeasure::Ball), Just(FeatureMeasure::TwoPoint), Just(FeatureMeasure::Gaussian)
        ],
        dim in 2usize..20, nonnegative: bool,
    ) -> MdSetting {
        MdSetting::new(10f64.powf(w), 10f64.powf(h)).noise(eta, 10f64.powf(c)).measure(measure).dim(dim).nonnegative(nonnegative)
    }
}

prop_compose! {
    fn losses()(kind in 0usize..3, alpha in 0.02..0.4f64) -> MarginLoss {
        match kind {
            0 => MarginLoss::cross_entropy(),
            1 => MarginLoss::new(LossKind::Ls, alpha).unwrap(),
            _ => MarginLoss::new(LossKind::Lr, alpha).unwrap(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn solutions_are_stationary_and_the_constraint_is_tight(
        setting in settings(), loss in losses(), seed: u64,
    ) {
        let MdOutcome::Solved(solution) = solve(&setting, &loss).unwrap() else { return Ok(()) };
        let p = solution.plane;
        // Compute the constraint from the vectors h_1 = (d, m) and u_2 = (-xi, mu).
        let distance = (p.d + p.xi).hypot(p.m - p.mu);
        let slack = setting.eta * distance - setting.c_md * solution.radius / (2.0 * p.d);
        prop_assert!(slack.abs() <= 1e-8 * setting.eta * distance);
        prop_assert!(solution.constraint_residual <= 1e-8 && solution.stationarity <= 1e-6);
        prop_assert!((solution.rho - solution.radius / solution.separation).abs() < 1e-12 * solution.rho);
        if setting.nonnegative {
            prop_assert!(p.m >= p.d * (1.0 - 1e-12) && p.mu >= p.xi.abs() - 1e-12 * p.mu);
        }
        // Feasible steps do not reduce the risk.
        let problem = Reduced::new(&setting, &loss);
        let y = natural(&solution);
        prop_assert!((problem.excess(&y) / solution.excess - 1.0).abs() < 1e-9);
        let mut scatter = Scatter(seed);
        for trial in 0..30 {
            let reach = 10f64.powi(-(trial % 4));
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
        setting in settings(), loss in losses(),
        y in [-0.5..1.5f64, -1.5..0.5f64, -0.5..1.2f64, 0.0..1.5f64, 1.0..1.5f64],
    ) {
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
    fn smoothing_dilates_less_than_cross_entropy(
        log_lambda in -7.0..-3.0f64, eta in 0.01..0.45f64, c_md in 0.1..5.0f64, alpha in 0.02..0.3f64,
    ) {
        let setting = decay(10f64.powf(log_lambda)).noise(eta, c_md);
        let ce = solved(&setting, &MarginLoss::cross_entropy()).rho;
        let ls = solved(&setting, &smoothing(alpha)).rho;
        prop_assert!(ls < ce, "{setting:?} {alpha}: {ls} {ce}");
    }

    #[test]
    fn model_without_noise_equals_the_layer_peeled_model(
        log_lambda in -5.0..-1.5f64, alpha in 0.0..0.4f64, nonnegative: bool,
    ) {
        // F is twice the mean over samples, so the weight decay of the classifier is halved.
        let setting = decay(10f64.powf(log_lambda)).noise(0.0, 0.5).nonnegative(nonnegative);
        let peeled = closed_form(&LpmSetting::new(2, 0.5 * setting.lambda_w, setting.lambda_h).alpha(alpha).nonnegative(nonnegative)).unwrap();
        let outcome = solve(&setting, &smoothing(alpha)).unwrap();
        let MdOutcome::NoiseFree { risk, logit_clean, separation } = outcome else {
            return Err(TestCaseError::fail(format!("{outcome:?}")));
        };
        // ||W||^2 = |w|^2 / 2, and the margin is w (h_1 - h_2) / 2.
        prop_assert!((risk / (2.0 * peeled.objective) - 1.0).abs() < 1e-9);
        prop_assert!((logit_clean / peeled.logit_gap - 1.0).abs() < 1e-9);
        let apart = if nonnegative { 2.0 } else { 4.0 } * peeled.feature_sq_norm;
        prop_assert!((separation * separation / apart - 1.0).abs() < 1e-9);
        prop_assert_eq!(outcome.rho(), Some(0.0));
    }

    #[test]
    fn collapse_begins_at_the_threshold(
        setting in settings(), loss in losses(), seed: u64,
    ) {
        let pull = -loss.derivatives(0.0)[1];
        prop_assume!(pull > 0.0);
        let across = if setting.nonnegative { 2.0 } else { 1.0 };
        let product = pull * pull * (1.0 + setting.eta) / across;
        let with = |factor: f64| setting.weight_decay(factor * product / setting.lambda_h, setting.lambda_h);
        let zero = 2.0 * (1.0 + setting.eta) * (loss.derivatives(0.0)[0] + loss.infimum());
        let below = solve(&with(0.9), &loss).unwrap();
        prop_assert!(below.solution().is_some() && below.risk() < zero, "{below:?} {zero}");
        let above = with(1.001);
        let outcome = solve(&above, &loss).unwrap();
        let collapsed = matches!(outcome, MdOutcome::Collapsed { .. });
        prop_assert!(collapsed, "{:?}", outcome);
        prop_assert!((outcome.risk() / zero - 1.0).abs() < 1e-12 && outcome.rho().is_none());
        // Beyond the threshold, zero is optimal.
        let problem = Reduced::new(&above, &loss);
        let mut scatter = Scatter(seed);
        for _ in 0..50 {
            let mut y = [scatter.between(-6.0, 2.0), scatter.between(-6.0, 3.0), scatter.between(-0.5, 3.0), 0.0, 0.0];
            if above.nonnegative {
                y[3] = y[2].abs() + scatter.between(0.0, 0.3);
                y[4] = 1.0 + scatter.between(0.0, 0.3);
            }
            prop_assert!(problem.excess(&y) >= zero - 2.0 * (1.0 + setting.eta) * loss.infimum());
        }
    }

    #[test]
    fn a_neighbour_does_not_change_the_solution(setting in settings(), loss in losses(), factor in 0.3..3.0f64) {
        let near = setting.weight_decay(setting.lambda_w * factor, setting.lambda_h);
        if let (MdOutcome::Solved(here), MdOutcome::Solved(there)) =
            (solve(&setting, &loss).unwrap(), solve(&near, &loss).unwrap())
        {
            let warm = *solve_near(&setting, &loss, &[there]).unwrap().solution().unwrap();
            prop_assert!((warm.excess / here.excess - 1.0).abs() < 1e-9);
        }
    }
}

#[test]
fn smoothing_can_dilate_more_with_strong_noise_and_decay() {
    let setting = decay(0.004).noise(0.4, 0.1);
    let ce = solved(&setting, &MarginLoss::cross_entropy()).rho;
    let ls = solved(&setting, &smoothing(0.1)).rho;
    assert!(
        (ce - 0.7877).abs() < 1e-4 && (ls - 0.7918).abs() < 1e-4,
        "{ce} {ls}"
    );
}

#[test]
fn costly_memorization_shrinks_class_features_between_noisy_ones() {
    // With a small C_MD, strong noise and little feature decay, class features shrink but do not
    // collapse.
    let setting = base().weight_decay(0.02, 1e-5).noise(0.5, 0.08);
    let solution = solved(&setting, &smoothing(0.1));
    assert!(solution.plane.xi / solution.plane.d > 100.0, "{solution:?}");
    assert!(
        solution.separation > 0.0 && solution.logit_clean < 0.1 && solution.logit_noisy > 1.0,
        "{solution:?}"
    );
    assert!(solution.rho > 1.0 && solution.stationarity < 1e-8);
}

#[test]
fn invalid_parameters_are_reported_with_their_range() {
    let good = base();
    let cases = [
        (good.weight_decay(0.0, good.lambda_h), "lambda_w"),
        (good.weight_decay(f64::INFINITY, good.lambda_h), "lambda_w"),
        (good.weight_decay(good.lambda_w, -1.0), "lambda_h"),
        (good.noise(1.0, good.c_md), "eta"),
        (good.noise(-0.1, good.c_md), "eta"),
        (good.noise(f64::NAN, good.c_md), "eta"),
        (good.noise(good.eta, 0.0), "c_md"),
        (good.dim(0), "dim"),
        (good.dim(1).nonnegative(false), "dim"),
        (good.measure(FeatureMeasure::TwoPoint).dim(1), "dim"),
    ];
    for (setting, name) in cases {
        let message = solve(&setting, &smoothing(0.1)).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{name} = ")), "{message}");
        assert!(message.contains("must be"), "{message}");
    }
    let three = |setting: &MdSetting| {
        classes::solve(setting, &smoothing(0.1), 3)
            .unwrap_err()
            .to_string()
    };
    assert!(three(&good).starts_with("dim = 2"));
    let ball = good.measure(FeatureMeasure::Ball).dim(3);
    assert!(three(&ball).contains("sphere"));
    assert!(
        classes::solve(&good, &smoothing(0.1), 1)
            .unwrap_err()
            .to_string()
            .starts_with("classes = 1")
    );
}

#[test]
fn general_model_with_two_classes_equals_the_exact_model() {
    for nonnegative in [true, false] {
        for (kind, alpha) in [
            (LossKind::Ce, 0.0),
            (LossKind::Ls, 0.1),
            (LossKind::Lr, 0.1),
        ] {
            for dim in [2, 7] {
                let setting = decay(2e-3)
                    .noise(0.2, 0.5)
                    .dim(dim)
                    .nonnegative(nonnegative);
                let loss = MarginLoss::new(kind, alpha).unwrap();
                let exact = solved(&setting, &loss);
                let ClassesOutcome::Solved(found) = classes::solve(&setting, &loss, 2).unwrap()
                else {
                    panic!("collapsed");
                };
                assert!(
                    (found.risk / exact.risk - 1.0).abs() < 1e-4,
                    "{kind:?} {dim}"
                );
                for (a, b) in [
                    (found.rho, exact.rho),
                    (found.radius, exact.radius),
                    (found.separation, exact.separation),
                    (found.memorization, exact.memorization),
                    (found.logit_clean, exact.logit_clean),
                ] {
                    assert!((a / b - 1.0).abs() < 2e-3, "{kind:?} {dim}: {a} {b}");
                }
                assert!(found.constraint_residual < 1e-8);
            }
        }
    }
}

#[test]
fn noise_free_and_collapsed_outcomes_of_n_classes_are_exact() {
    let setting = |eta: f64, lambda: f64, nonnegative: bool| {
        decay(lambda)
            .noise(eta, 0.5)
            .dim(4)
            .nonnegative(nonnegative)
    };
    for nonnegative in [true, false] {
        // F is N times the mean over samples, so the weight decay of the classifier is divided by
        // N.
        let peeled = closed_form(
            &LpmSetting::new(4, 1e-3 / 4.0, 1e-3)
                .alpha(0.1)
                .nonnegative(nonnegative),
        )
        .unwrap();
        let ClassesOutcome::NoiseFree {
            risk,
            feature_sq_norm,
            ..
        } = classes::solve(&setting(0.0, 1e-3, nonnegative), &smoothing(0.1), 4).unwrap()
        else {
            panic!("not noise-free");
        };
        assert!((risk / (4.0 * peeled.objective) - 1.0).abs() < 1e-9);
        assert!((feature_sq_norm / peeled.feature_sq_norm - 1.0).abs() < 1e-9);
        let strong = classes::solve(&setting(0.3, 0.6, nonnegative), &smoothing(0.1), 4).unwrap();
        let ClassesOutcome::Collapsed { risk } = strong else {
            panic!("{strong:?}");
        };
        assert!((risk - 4.0 * 1.3 * 4f64.ln()).abs() < 1e-12);
    }
}
