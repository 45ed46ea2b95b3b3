//! Tests of the fit of C_MD and of the phase map.

use memdil_theory::fit::{Bootstrap, FitRow, fit, predict};
use memdil_theory::memorization_dilation::solve;
use memdil_theory::phase::{geometric, phase_map};
use memdil_theory::{LossKind, MarginLoss, MdSetting};
use proptest::prelude::*;

use crate::common::Scatter;

fn row(eta: f64, memorization: f64, rho: f64, group: Option<u64>) -> FitRow {
    let separation = 1.5;
    FitRow {
        eta,
        memorization,
        separation,
        radius: rho * separation,
        group,
    }
}

fn base() -> MdSetting {
    MdSetting::new(2e-3, 1e-3).noise(0.1, 0.5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exact_rows_are_recovered(c_md in 0.05..20.0f64, rho_0 in 0.0..0.3f64, seed: u64) {
        let mut scatter = Scatter(seed);
        let rows: Vec<FitRow> = (0..8)
            .map(|i| {
                let (eta, nu) = (0.05 * f64::from(i), scatter.between(0.5, 2.0));
                row(eta, nu, rho_0 + eta * nu / c_md, None)
            })
            .collect();
        let found = fit(&rows, Bootstrap { resamples: 200, ..Bootstrap::default() }).unwrap();
        prop_assert!((found.c_md / c_md - 1.0).abs() < 1e-9);
        prop_assert!((found.rho_0 - rho_0).abs() < 1e-9);
        prop_assert!(found.r_squared > 1.0 - 1e-9);
        prop_assert!((found.c_md_low.unwrap() / c_md - 1.0).abs() < 1e-6);
        prop_assert!((found.c_md_high.unwrap() / c_md - 1.0).abs() < 1e-6);
    }
}

/// Rows whose random errors are shared within a group.
fn noisy_rows(seed: u64, c_md: f64, spread: f64) -> Vec<FitRow> {
    let mut scatter = Scatter(seed);
    (0..12u64)
        .flat_map(|group| {
            let slope = 1.0 / c_md + scatter.between(-spread, spread);
            (1..5).map(move |i| {
                let eta = 0.1 * f64::from(i);
                row(eta, 1.0, 0.05 + eta * slope, Some(group))
            })
        })
        .collect()
}

#[test]
fn interval_has_approximately_the_nominal_coverage() {
    let trials = 100;
    let covered = (0..trials)
        .filter(|&seed| {
            let bootstrap = Bootstrap {
                resamples: 300,
                confidence: 0.9,
                seed: 1,
            };
            let found = fit(&noisy_rows(seed, 0.5, 0.8), bootstrap).unwrap();
            assert_eq!((found.rows, found.units), (48, 12));
            found.c_md_low.unwrap() <= 0.5 && 0.5 <= found.c_md_high.unwrap()
        })
        .count();
    // The nominal coverage is 90 %; the percentile interval of 12 units is slightly too short.
    assert!((75..=98).contains(&covered), "{covered}");
}

#[test]
fn rows_of_a_group_are_drawn_together() {
    let grouped = noisy_rows(3, 0.5, 0.8);
    let single: Vec<FitRow> = grouped
        .iter()
        .map(|r| FitRow { group: None, ..*r })
        .collect();
    let width = |rows: &[FitRow]| {
        let found = fit(rows, Bootstrap::default()).unwrap();
        found.c_md_high.unwrap() - found.c_md_low.unwrap()
    };
    assert!(width(&grouped) > 0.0 && width(&grouped) != width(&single));
    let again = fit(&grouped, Bootstrap::default()).unwrap();
    assert_eq!(again, fit(&grouped, Bootstrap::default()).unwrap());
    assert_ne!(
        again,
        fit(
            &grouped,
            Bootstrap {
                seed: 1,
                ..Bootstrap::default()
            }
        )
        .unwrap()
    );
}

#[test]
fn rows_without_information_are_an_error() {
    let refuse = |rows: &[FitRow]| fit(rows, Bootstrap::default()).unwrap_err().to_string();
    assert!(refuse(&[row(0.1, 1.0, 0.1, None); 2]).starts_with("rows = 2"));
    assert!(refuse(&[row(0.1, 1.0, 0.1, None); 5]).contains("same in every row"));
    let falling = [
        row(0.1, 1.0, 0.3, None),
        row(0.2, 1.0, 0.2, None),
        row(0.3, 1.0, 0.1, None),
    ];
    assert!(refuse(&falling).contains("slope"));
    let mixed = [
        row(0.1, 1.0, 0.1, None),
        row(0.2, 1.0, 0.2, Some(1)),
        row(0.3, 1.0, 0.3, Some(2)),
    ];
    assert!(refuse(&mixed).contains("row 0 has no group"));
    let mut nan = mixed;
    nan[1].radius = f64::NAN;
    assert!(refuse(&nan).starts_with("radius = NaN"));
}

#[test]
fn an_interval_that_reaches_zero_slope_has_no_upper_end() {
    // The slope is positive in one group and negative in the other.
    let rows: Vec<FitRow> = (0..6u32)
        .map(|i| {
            let eta = 0.1 * f64::from(i % 3 + 1);
            row(
                eta,
                1.0,
                if i < 3 { 3.0 * eta } else { 1.0 - 0.5 * eta },
                Some(u64::from(i / 3)),
            )
        })
        .collect();
    let found = fit(&rows, Bootstrap::default()).unwrap();
    assert!(found.c_md_low.is_some() && found.c_md_high.is_none());
}

#[test]
fn a_single_group_has_no_interval() {
    let rows: Vec<FitRow> = noisy_rows(5, 0.5, 0.8)
        .iter()
        .map(|row| FitRow {
            group: Some(3),
            ..*row
        })
        .collect();
    let found = fit(&rows, Bootstrap::default()).unwrap();
    assert_eq!(
        (found.units, found.c_md_low, found.c_md_high),
        (1, None, None)
    );
}

#[test]
fn predictions_equal_the_solver() {
    let losses = [
        MarginLoss::cross_entropy(),
        MarginLoss::new(LossKind::Lr, 0.1).unwrap(),
    ];
    let found = predict(&base(), &[0.0, 0.2], &losses).unwrap();
    assert_eq!(found.len(), 4);
    assert_eq!(found[0].rho, Some(0.0));
    let direct = solve(&base().noise(0.2, 0.5), &losses[1]).unwrap().rho();
    assert_eq!(
        (found[3].loss, found[3].eta, found[3].rho),
        (losses[1], 0.2, direct)
    );
}

#[test]
fn phase_map_equals_single_solutions_for_any_number_of_threads() {
    let other = MarginLoss::new(LossKind::Ls, 0.1).unwrap();
    let (etas, lambdas) = ([0.05, 0.2, 0.4], geometric(1e-5, 0.5, 9).unwrap());
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let map = || phase_map(&base(), &other, &etas, &lambdas).unwrap();
        pool.build().unwrap().install(map)
    };
    let map = with_threads(1);
    assert_eq!(map, with_threads(2));
    assert_eq!(map, with_threads(7));
    let mut collapsed = 0;
    for (i, &eta) in etas.iter().enumerate() {
        for (j, &lambda_h) in lambdas.iter().enumerate() {
            let setting = base()
                .weight_decay(2.0 * lambda_h, lambda_h)
                .noise(eta, 0.5);
            let ce = solve(&setting, &MarginLoss::cross_entropy()).unwrap().rho();
            let ls = solve(&setting, &other).unwrap().rho();
            let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a / b - 1.0).abs() < 1e-6,
                (a, b) => a.is_none() && b.is_none(),
            };
            assert!(close(map.rho_ce[i][j], ce) && close(map.rho_other[i][j], ls));
            assert!(close(map.ratio[i][j], ce.zip(ls).map(|(ce, ls)| ls / ce)));
            collapsed += usize::from(ls.is_none());
        }
    }
    assert!(collapsed > 0, "the map includes collapsed cells");
    assert!(phase_map(&base(), &other, &[], &lambdas).is_err());
    assert!(
        phase_map(&base(), &other, &[1.5], &lambdas)
            .unwrap_err()
            .to_string()
            .contains("eta")
    );
}
