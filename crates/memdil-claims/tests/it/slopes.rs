//! Verdicts on slopes in the model's lambda.

use memdil_claims::{Family, Verdict};
use memdil_theory::{LossKind, MarginLoss, MdSetting, memorization_dilation::solve};
use serde_json::{Value, json};

use crate::synthetic::{SyntheticRun, declarations, jitter, judge, record, run};

const SLOPES: &str = r#"
    [[claim]]
    id = "model"
    statement = "Rho under LS depends on lambda as in the model."
    test = "model_slope"
    where = { "loss.kind" = "label_smoothing" }
    quantity = "test.rho_nc1"
    fit = { "loss.kind" = "cross_entropy" }
    margin = 0.05
    largest_gradient_over_decay = 1.0

    [[claim]]
    id = "difference"
    statement = "Rho rises faster with lambda under LS than under CE."
    test = "slope_difference"
    quantity = "test.rho_nc1"
    of = { "loss.kind" = "label_smoothing" }
    against = { "loss.kind" = "cross_entropy" }
    largest_gradient_over_decay = 1.0
    expect = "above"
"#;

const LEVELS: [f64; 4] = [1e-4, 1e-3, 1e-2, 1e-1];
/// C_MD of the synthetic networks.
const C_MD: f64 = 0.6;

fn settings(loss: &Value, eta: f64, lambda: f64) -> [(&'static str, Value); 4] {
    [
        ("loss", loss.clone()),
        ("noise.eta", json!(eta)),
        ("training.feature_decay", json!(2.0 * lambda)),
        ("optimizer.classifier_weight_decay", json!(lambda)),
    ]
}

/// Rho of the model for a corrupted share of `share`.
fn solved(loss: &MarginLoss, share: f64, lambda: f64) -> f64 {
    let eta = share / (1.0 - share);
    let setting = MdSetting::new(lambda * (1.0 + eta), lambda).noise(eta, C_MD);
    solve(&setting, loss).unwrap().rho().unwrap()
}

/// Runs whose rho is that of the model, times lambda to the power of `tilt` under LS.
fn runs(tilt: impl Fn(u64) -> f64) -> Vec<SyntheticRun> {
    let losses = [
        (
            json!({"kind": "cross_entropy"}),
            MarginLoss::cross_entropy(),
        ),
        (
            json!({"kind": "label_smoothing", "alpha": 0.1}),
            MarginLoss::new(LossKind::Ls, 0.1).unwrap(),
        ),
    ];
    let mut runs = Vec::new();
    for seed in 0..8 {
        for (level, lambda) in LEVELS.into_iter().enumerate() {
            for (index, (json, loss)) in losses.iter().enumerate() {
                for share in [0.0, 0.2].into_iter().skip(index) {
                    let mut last = record(0.5, 0.9, 0.9);
                    (last.gradient_norm, last.gradient_over_decay) = (Some(1e-4), Some(0.2));
                    let mut rho = 0.0;
                    if share > 0.0 {
                        rho = solved(loss, share, lambda);
                        // The constraint is tight: rho = eta nu / C_MD.
                        last.memorization_mean = Some(C_MD * rho * (1.0 - share) / share);
                    }
                    let power = tilt(seed) * index as f64;
                    let noise = 1.0 + 0.01 * jitter(seed, level as u64);
                    let test = last.test.as_mut().unwrap();
                    test.rho_nc1 =
                        Some((0.05 * (1.0 - index as f64) + rho) * lambda.powf(power) * noise);
                    test.separation = Some(1.0);
                    runs.push(run(&settings(json, share, lambda), seed, last));
                }
            }
        }
    }
    runs
}

/// The verdicts on both claims.
fn verdicts(tilt: impl Fn(u64) -> f64) -> [Verdict; 2] {
    let claims = judge(SLOPES, &runs(tilt));
    [claims[0].verdict, claims[1].verdict]
}

#[test]
fn the_slope_of_the_model_is_supported() {
    let claims = judge(SLOPES, &runs(|_| 0.0));
    let [model, difference] = &claims[..] else {
        panic!("{claims:?}")
    };
    assert_eq!(model.verdict, Verdict::Supported, "{:?}", model.reason);
    let reason = &difference.reason;
    assert_eq!(difference.verdict, Verdict::Supported, "{reason:?}");
    assert!(model.effect.unwrap().abs() < 0.01, "{:?}", model.effect);
    assert_eq!((model.cells.len(), model.n), (1, 8));
    let notes = model.notes.join(" ");
    assert!(notes.contains("C_MD: 0.6"), "{notes}");
    assert!(notes.contains("gradient_norm: 1.0e−4 at most"), "{notes}");
}

#[test]
fn another_slope_is_refuted() {
    // Larger and smaller than the model's by more than the margin.
    assert_eq!(verdicts(|_| 0.2)[0], Verdict::Refuted);
    assert_eq!(verdicts(|_| -0.2)[0], Verdict::Refuted);
    assert_eq!(verdicts(|_| -0.3), [Verdict::Refuted; 2]);
}

#[test]
fn slopes_of_both_signs_are_inconclusive() {
    let found = verdicts(|seed| if seed % 2 == 0 { 0.4 } else { -0.5 });
    assert_eq!(found, [Verdict::Inconclusive; 2]);
}

#[test]
fn a_run_with_a_large_gradient_has_no_value() {
    let mut runs = runs(|_| 0.0);
    for run in runs.iter_mut().filter(|run| run.spec.seed < 3) {
        for epoch in &mut run.epochs {
            epoch.gradient_over_decay = Some(2.0);
        }
    }
    for claim in judge(SLOPES, &runs) {
        assert_eq!((claim.verdict, claim.n), (Verdict::Inconclusive, 5));
        let note = "3 values are missing: gradient_over_decay is above 1.";
        assert!(claim.notes.iter().any(|n| n == note), "{:?}", claim.notes);
    }
}

#[test]
fn runs_without_a_value_of_lambda_are_an_error() {
    let mut runs = runs(|_| 0.0);
    let of_seed = |run: &SyntheticRun| run.spec.seed == 3 && run.spec.training.feature_decay > 0.1;
    runs.retain(|run| !of_seed(run));
    let specs: Vec<_> = runs.iter().map(|run| run.spec.clone()).collect();
    let declared = declarations(SLOPES).unwrap();
    let error = Family::of(&declared, None, &specs).map(|_| ()).unwrap_err();
    let expected = "claim 'model': some runs of seed 3 have other values of training.feature_decay";
    assert!(error.to_string().contains(expected), "{error}");
}
