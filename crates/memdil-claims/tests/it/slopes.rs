//! Verdicts on slopes in the model's lambda.

use memdil_claims::Verdict;
use memdil_records::EpochRecord;
use memdil_theory::{LossKind, MarginLoss, MdSetting, memorization_dilation::solve};
use serde_json::{Value, json};

use crate::synthetic::{SyntheticRun, jitter, judge, record, run};

const SLOPES: &str = r#"
    [[claim]]
    id = "model"
    statement = "Rho under LS depends on lambda as in the model."
    test = "model_slope"
    where = { "loss.kind" = "label_smoothing" }
    quantity = "test.rho_nc1"
    fit = { "loss.kind" = "cross_entropy" }
    margin = 0.05
    largest_gradient_norm = 1e-3

    [[claim]]
    id = "difference"
    statement = "Rho rises faster with lambda under LS than under CE."
    test = "slope_difference"
    quantity = "test.rho_nc1"
    of = { "loss.kind" = "label_smoothing" }
    against = { "loss.kind" = "cross_entropy" }
    largest_gradient_norm = 1e-3
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
                    last.gradient_norm = Some(1e-4);
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

fn verdicts(runs: &[SyntheticRun]) -> Vec<(Verdict, Option<String>)> {
    let claims = judge(SLOPES, runs).into_iter();
    claims.map(|claim| (claim.verdict, claim.reason)).collect()
}

#[test]
fn slopes() {
    let claims = judge(SLOPES, &runs(|_| 0.0));
    let [model, difference] = &claims[..] else {
        panic!("{claims:?}")
    };
    assert_eq!(model.verdict, Verdict::Supported, "{:?}", model.reason);
    assert_eq!(
        difference.verdict,
        Verdict::Supported,
        "{:?}",
        difference.reason
    );
    assert!(model.effect.unwrap().abs() < 0.01, "{:?}", model.effect);
    assert_eq!((model.cells.len(), model.n), (1, 8));
    let notes = model.notes.join(" ");
    assert!(notes.contains("C_MD: 0.6"), "{notes}");
    assert!(
        notes.contains("norm of the gradient: 1.0e−4 at most"),
        "{notes}"
    );

    // The slope differs from the model's by more than the margin, in either direction.
    for tilt in [0.2, -0.2] {
        let found = verdicts(&runs(|_| tilt));
        assert_eq!(found[0].0, Verdict::Refuted, "{found:?}");
    }
    let found = verdicts(&runs(|_| -0.3));
    assert_eq!(found[1].0, Verdict::Refuted, "{found:?}");
    // The slopes of one half of the seeds differ in the other direction.
    let found = verdicts(&runs(|seed| if seed % 2 == 0 { 0.4 } else { -0.5 }));
    assert!(
        found
            .iter()
            .all(|(verdict, _)| *verdict == Verdict::Inconclusive),
        "{found:?}"
    );
}

#[test]
fn a_run_far_from_a_minimum_has_no_value() {
    let mut runs = runs(|_| 0.0);
    for run in &mut runs {
        if run.spec.seed < 3 {
            run.epochs
                .iter_mut()
                .for_each(|epoch: &mut EpochRecord| epoch.gradient_norm = Some(0.1));
        }
    }
    let claims = judge(SLOPES, &runs);
    for claim in &claims {
        assert_eq!((claim.verdict, claim.n), (Verdict::Inconclusive, 5));
        let note = "3 values are missing: the norm of the gradient is above 0.001.";
        assert!(claim.notes.iter().any(|n| n == note), "{:?}", claim.notes);
    }
}
