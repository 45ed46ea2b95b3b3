//! Comparison of the reduction and its solver with the original problem in all variables.

use memdil_theory::memorization_dilation::solve;
use memdil_theory::{LossKind, MarginLoss, MdOutcome, MdSetting, MdSolution};

use crate::common::{Full, Scatter, Variables};

fn cases() -> Vec<(Full, MdSolution)> {
    [
        (LossKind::Ce, 0.0, 1e-2, 1e-2, 0.1, 0.5, true),
        (LossKind::Ls, 0.1, 1e-2, 5e-3, 0.2, 1.0, true),
        (LossKind::Ls, 0.1, 1e-3, 1e-3, 0.45, 0.1, true), // m > d at the optimum
        (LossKind::Ce, 0.0, 5e-3, 1e-2, 0.3, 0.3, false),
        (LossKind::Lr, 0.2, 1e-2, 1e-2, 0.2, 0.8, true),
        (LossKind::Ls, 0.3, 2e-2, 1e-3, 0.3, 3.0, false),
    ]
    .map(
        |(kind, alpha, lambda_w, lambda_h, eta, c_md, nonnegative)| {
            let setting = MdSetting::new(lambda_w, lambda_h)
                .noise(eta, c_md)
                .nonnegative(nonnegative);
            let loss = MarginLoss::new(kind, alpha).unwrap();
            let MdOutcome::Solved(solution) = solve(&setting, &loss).unwrap() else {
                panic!("{setting:?} collapsed");
            };
            let full = Full {
                setting,
                kind,
                alpha,
            };
            (full, solution)
        },
    )
    .into()
}

#[test]
fn gradient_of_the_full_problem_equals_finite_differences() {
    let mut scatter = Scatter(3);
    for (full, _) in cases() {
        let x: Variables = std::array::from_fn(|_| scatter.between(0.2, 1.0));
        let mut gradient = [0.0; 13];
        full.risk(&x, &mut gradient);
        let constraints = full.constraints(&x);
        for i in 0..13 {
            let (mut up, mut down) = (x, x);
            up[i] += 1e-6;
            down[i] -= 1e-6;
            let mut unused = [0.0; 13];
            let slope = (full.risk(&up, &mut unused) - full.risk(&down, &mut unused)) / 2e-6;
            assert!((slope - gradient[i]).abs() < 1e-7, "risk {i}");
            let (up, down) = (full.constraints(&up), full.constraints(&down));
            for (k, (_, gradient)) in constraints.iter().enumerate() {
                let slope = (up[k].0 - down[k].0) / 2e-6;
                assert!((slope - gradient[i]).abs() < 1e-7, "constraint {k} {i}");
            }
        }
    }
}

#[test]
fn reduced_solution_is_feasible_for_the_full_problem() {
    for (full, solution) in cases() {
        let x = full.embed(&solution);
        let risk = full.risk(&x, &mut [0.0; 13]);
        assert!(
            (risk / solution.risk - 1.0).abs() < full.rounding(),
            "{risk} {solution:?}"
        );
        for (violation, _) in full.constraints(&x) {
            assert!(violation.abs() < 1e-9 * solution.separation);
        }
        assert!(!full.setting.nonnegative || x[4..].iter().all(|v| *v >= -1e-12));
    }
}

#[test]
fn augmented_lagrangian_finds_the_same_optimum() {
    let mut scatter = Scatter(11);
    for (full, solution) in cases() {
        let mut best = f64::INFINITY;
        for _ in 0..8 {
            let scale = solution.separation;
            let mut start: Variables = std::array::from_fn(|_| scatter.between(0.0, scale));
            for i in 0..2 {
                // Start with features near their own class; otherwise the descent often ends in
                // collapse.
                start[i] = scatter.between(-1.0, 1.0) + if i == 0 { 2.0 } else { -2.0 };
                start[2 + i] = -start[i];
                start[4 + i] *= if i == 0 { 1.0 } else { 0.3 };
                start[6 + i] *= if i == 1 { 1.0 } else { 0.3 };
            }
            let (risk, x) = full.descend(full.with_feasible_radius(start));
            assert!(
                risk >= solution.risk * (1.0 - full.rounding()),
                "the full problem has a lower minimum: {risk} {x:?} {solution:?}"
            );
            best = best.min(risk);
        }
        assert!(
            (best / solution.risk - 1.0).abs() < 1e-5,
            "{best} {solution:?}"
        );
    }
}

#[test]
fn random_feasible_points_are_not_better() {
    let mut scatter = Scatter(5);
    for (full, solution) in cases() {
        let optimum = full.embed(&solution);
        for trial in 0..400 {
            let reach = 10f64.powi(-(trial % 5)) * solution.separation;
            let mut x: Variables = std::array::from_fn(|i| {
                let unit = if i < 4 {
                    solution.plane.omega / solution.separation
                } else {
                    1.0
                };
                optimum[i] + reach * unit * scatter.between(-1.0, 1.0)
            });
            if full.setting.nonnegative {
                x[4..].iter_mut().for_each(|v| *v = v.max(0.0));
            }
            let risk = full.risk(&full.with_feasible_radius(x), &mut [0.0; 13]);
            assert!(
                risk >= solution.risk * (1.0 - full.rounding()),
                "{risk} {solution:?} {x:?}"
            );
        }
    }
}
