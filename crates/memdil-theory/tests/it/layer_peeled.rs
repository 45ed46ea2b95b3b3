//! Tests of the layer-peeled model: gradients, optimality of the closed form, and collapse
//! according to the metrics.

use memdil_losses::Loss;
use memdil_metrics::{class_means, nc1, nc2_etf, nc3};
use memdil_theory::TheoryError;
use memdil_theory::layer_peeled::numeric::{DescentOptions, LpmProblem, minimize, objective};
use memdil_theory::layer_peeled::{LpmSetting, closed_form};
use ndarray::Array2;
use proptest::prelude::*;

fn problem(setting: &LpmSetting, samples: usize, dim: usize) -> LpmProblem {
    LpmProblem::new(setting, samples, dim)
}

prop_compose! {
    fn settings()(
        classes in 2usize..6, alpha in 0.0..0.3f64, w in -4.0..-1.5f64, h in -4.0..-1.5f64,
        nonnegative: bool,
    ) -> LpmSetting {
        let (lambda_w, lambda_h) = (10f64.powf(w), 10f64.powf(h));
        LpmSetting::new(classes, lambda_w, lambda_h).alpha(alpha).nonnegative(nonnegative)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn gradient_equals_finite_differences(
        values in proptest::collection::vec(-1.0..1.0f64, 3 * 4 + 4 * 6), which in 0usize..4,
    ) {
        let loss = [
            Loss::CrossEntropy {},
            Loss::LabelSmoothing { alpha: 0.2 },
            Loss::LabelRelaxation { alpha: 0.2 },
            Loss::Mse {},
        ][which].clone();
        let problem = LpmProblem::new(&LpmSetting::new(3, 0.02, 0.05).nonnegative(false), 2, 4);
        let split = |v: &[f64]| {
            let weights = Array2::from_shape_vec((3, 4), v[..12].to_vec()).unwrap();
            let features = Array2::from_shape_vec((4, 6), v[12..].to_vec()).unwrap();
            (weights, features)
        };
        let at = |v: &[f64]| {
            let (weights, features) = split(v);
            objective(&problem, &loss, weights.view(), features.view()).unwrap()
        };
        let (_, in_weights, in_features) = at(&values);
        let gradient: Vec<f64> = in_weights.iter().chain(in_features.iter()).copied().collect();
        for i in 0..values.len() {
            let (mut up, mut down) = (values.clone(), values.clone());
            up[i] += 1e-5;
            down[i] -= 1e-5;
            let slope = (at(&up).0 - at(&down).0) / 2e-5;
            prop_assert!((slope - gradient[i]).abs() < 1e-7, "{i}: {slope} {}", gradient[i]);
        }
    }

    #[test]
    fn closed_form_is_stationary_with_the_correct_objective(
        setting in settings(), samples in 1usize..4, extra in 0usize..3,
    ) {
        let solution = closed_form(&setting).unwrap();
        let dim = setting.classes + extra;
        let (weights, features) = solution.factors(samples, dim).unwrap();
        let loss = Loss::LabelSmoothing { alpha: setting.alpha };
        let problem = problem(&setting, samples, dim);
        let (value, in_weights, in_features) =
            objective(&problem, &loss, weights.view(), features.view()).unwrap();
        prop_assert!((value - solution.objective).abs() < 1e-13 * (1.0 + value));
        prop_assert!(in_weights.iter().all(|g| g.abs() < 1e-12));
        for (gradient, feature) in in_features.iter().zip(&features) {
            // At the bound h = 0 the gradient may be positive.
            let residual = if setting.nonnegative { feature - (feature - gradient).max(0.0) } else { *gradient };
            prop_assert!(residual.abs() < 1e-12, "{gradient} at {feature}");
        }
    }

    #[test]
    fn descent_reaches_the_closed_form(setting in settings(), seed: u64) {
        let solution = closed_form(&setting).unwrap();
        let loss = Loss::LabelSmoothing { alpha: setting.alpha };
        let search = DescentOptions { seed, ..DescentOptions::default() };
        let found = minimize(&problem(&setting, 2, setting.classes + 1), &loss, search).unwrap();
        prop_assert!(found.objective >= solution.objective - 1e-9);
        prop_assert!(found.objective <= solution.objective * (1.0 + 1e-6));
        if !solution.collapsed {
            prop_assert!((found.logit_gap / solution.logit_gap - 1.0).abs() < 1e-4);
            prop_assert!((found.feature_sq_norm / solution.feature_sq_norm - 1.0).abs() < 1e-4);
        }
    }
}

#[test]
fn numeric_minimiser_shows_neural_collapse() {
    for nonnegative in [true, false] {
        for alpha in [0.0, 0.1] {
            let problem = LpmProblem::new(
                &LpmSetting::new(4, 5e-3, 2e-3).nonnegative(nonnegative),
                5,
                6,
            );
            let loss = Loss::LabelSmoothing { alpha };
            let found = minimize(&problem, &loss, DescentOptions::default()).unwrap();
            let (features, labels) = (found.features.t(), problem.labels());
            assert!(nc1(features, &labels, 4).unwrap() < 1e-9);
            assert!(nc2_etf(found.weights.view()).unwrap() < 1e-4);
            assert!(nc3(features, &labels, found.weights.view()).unwrap() < 1e-4);
            let means = class_means(features, &labels, 4).unwrap().means;
            let gram = means.dot(&means.t()) / found.feature_sq_norm;
            for ((i, j), value) in gram.indexed_iter() {
                // An orthogonal frame for non-negative features, otherwise a simplex.
                let expected = match (i == j, nonnegative) {
                    (true, _) => 1.0,
                    (false, true) => 0.0,
                    (false, false) => -1.0 / 3.0,
                };
                assert!(
                    (value - expected).abs() < 1e-4,
                    "{i} {j} {value} {nonnegative}"
                );
            }
            assert!(!nonnegative || found.features.iter().all(|h| *h >= 0.0));
        }
    }
}

#[test]
fn other_losses_are_minimised() {
    let problem = LpmProblem::new(&LpmSetting::new(3, 1e-3, 1e-3), 2, 3);
    for loss in [Loss::LabelRelaxation { alpha: 0.1 }, Loss::Mse {}] {
        let found = minimize(&problem, &loss, DescentOptions::default()).unwrap();
        let again = minimize(
            &problem,
            &loss,
            DescentOptions {
                seed: 9,
                ..DescentOptions::default()
            },
        )
        .unwrap();
        assert!((found.objective - again.objective).abs() < 1e-9, "{loss:?}");
        let (value, ..) =
            objective(&problem, &loss, found.weights.view(), found.features.view()).unwrap();
        assert!((value - found.objective).abs() < 1e-14);
        assert!(
            found.logit_gap > 0.1 && nc1(found.features.t(), &problem.labels(), 3).unwrap() < 1e-8
        );
    }
}

#[test]
fn logit_hessian_has_the_stated_condition_number() {
    for (classes, alpha) in [(3, 0.0), (5, 0.1), (10, 0.2)] {
        let setting = LpmSetting::new(classes, 1e-3, 1e-3).alpha(alpha);
        let solution = closed_form(&setting).unwrap();
        // Rayleigh quotients of diag(p) - p p^T in the two eigenspaces of vectors with sum zero.
        let n = classes as f64;
        let other = 1.0 / (solution.logit_gap.exp() + n - 1.0);
        let own = 1.0 - (n - 1.0) * other;
        let along = |v: &dyn Fn(usize) -> f64| {
            let p = |i: usize| if i == 0 { own } else { other };
            let mean: f64 = (0..classes).map(|i| p(i) * v(i)).sum();
            let squares: f64 = (0..classes).map(|i| p(i) * v(i) * v(i)).sum();
            (squares - mean * mean) / (0..classes).map(|i| v(i) * v(i)).sum::<f64>()
        };
        let large = along(&|i| if i == 0 { n - 1.0 } else { -1.0 });
        let small = along(&|i| [0.0, 1.0, -1.0].get(i).copied().unwrap_or(0.0));
        assert!((large / small / solution.hessian_condition - 1.0).abs() < 1e-10);
    }
}

#[test]
fn a_missed_tolerance_is_an_error_with_the_residual() {
    let problem = LpmProblem::new(&LpmSetting::new(3, 1e-3, 1e-3), 2, 3);
    let search = DescentOptions {
        max_iterations: 3,
        ..DescentOptions::default()
    };
    let error = minimize(&problem, &Loss::CrossEntropy {}, search).unwrap_err();
    let TheoryError::NoConvergence { residual, .. } = error else {
        panic!("{error}");
    };
    assert!(residual.is_finite() && residual > search.tolerance);
    assert!(
        minimize(
            &problem,
            &Loss::LabelSmoothing { alpha: 2.0 },
            DescentOptions::default()
        )
        .is_err()
    );
}
