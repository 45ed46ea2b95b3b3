//! Each kind of test on data that support its claim, refute it, or leave it inconclusive.

use memdil_claims::{Unit, Verdict};
use memdil_records::EpochRecord;
use serde_json::{Value, json};

use crate::synthetic::{SyntheticRun, course, jitter, judge, judge_planned, record, run};

const SMOOTHING: &str = "label_smoothing";

fn smoothing() -> Value {
    json!({"kind": SMOOTHING, "alpha": 0.1})
}

const LS_DILATION: &str = r#"
    [[claim]]
    id = "ls"
    statement = "LS dilates less than CE."
    where = { "noise.eta" = { above = 0.0 } }
    test = "paired"
    quantity = "test.dilation"
    scale = "ratio"
    of = { "loss.kind" = "label_smoothing" }
    against = { "loss.kind" = "cross_entropy" }
    expect = "below"
"#;

/// Pairs of CE and LS runs; LS has `ratio` times the dilation, with jitter between seeds.
fn pairs(ratio: f64, seeds: u64) -> Vec<SyntheticRun> {
    let mut runs = Vec::new();
    for seed in 0..seeds {
        let noise = (0.05 * jitter(seed, 1)).exp();
        runs.push(run(&[], seed, record(0.5, 0.9, 0.9)));
        runs.push(run(
            &[("loss", smoothing())],
            seed,
            record(0.5 * ratio * noise, 0.9, 0.9),
        ));
    }
    runs
}

#[test]
fn paired() {
    for (ratio, verdict) in [
        (0.7, Verdict::Supported),
        (1.4, Verdict::Refuted),
        (1.0, Verdict::Inconclusive),
    ] {
        let claim = &judge(LS_DILATION, &pairs(ratio, 8))[0];
        assert_eq!(claim.verdict, verdict, "{ratio}: {:?}", claim.reason);
        assert_eq!((claim.n, claim.unit), (8, Unit::Percent));
        assert!((claim.effect.unwrap() - 100.0 * (ratio - 1.0)).abs() < 5.0);
        assert_eq!(claim.id, "synthetic/fashion-mnist/ls");
    }
}

#[test]
fn five_seeds_are_inconclusive_without_an_interval() {
    let claim = &judge(LS_DILATION, &pairs(0.5, 5))[0];
    assert_eq!(claim.verdict, Verdict::Inconclusive);
    assert_eq!(claim.interval, None);
    assert_eq!(claim.p, None);
    assert!(
        claim
            .reason
            .as_ref()
            .unwrap()
            .starts_with("5 seeds of the 6 that")
    );
}

#[test]
fn a_margin_moves_the_bound() {
    let with_margin = LS_DILATION.to_owned() + "margin = 0.5";
    assert_eq!(
        judge(&with_margin, &pairs(0.5, 8))[0].verdict,
        Verdict::Supported
    );
    assert_eq!(
        judge(&with_margin, &pairs(0.8, 8))[0].verdict,
        Verdict::Refuted
    );
}

#[test]
fn not_inferior() {
    let claim = r#"
        [[claim]]
        id = "searched"
        statement = "LS classifies at most a point worse."
        test = "non_inferior"
        quantity = "test.accuracy"
        scale = "difference"
        of = { "loss.kind" = "label_smoothing" }
        against = { "loss.kind" = "cross_entropy" }
        better = "above"
        margin = 0.01
    "#;
    let runs = |difference: f64, spread: f64| -> Vec<SyntheticRun> {
        let pair = |seed: u64| {
            let ls = record(0.5, 0.9 + difference + spread * jitter(seed, 2), 0.9);
            [
                run(&[], seed, record(0.5, 0.9, 0.9)),
                run(&[("loss", smoothing())], seed, ls),
            ]
        };
        (0..10).flat_map(pair).collect()
    };
    for (difference, spread, verdict) in [
        (0.0, 0.003, Verdict::Supported),
        (-0.03, 0.003, Verdict::Refuted),
        (-0.01, 0.01, Verdict::Inconclusive),
    ] {
        let claim = &judge(claim, &runs(difference, spread))[0];
        assert_eq!(claim.verdict, verdict, "{difference}: {:?}", claim.reason);
        assert_eq!(claim.unit, Unit::PercentagePoints);
    }
}

#[test]
fn interaction() {
    let claim = r#"
        [[claim]]
        id = "gain"
        statement = "LS gains more under noise."
        test = "interaction"
        quantity = "test.accuracy"
        scale = "difference"
        of = { "loss.kind" = "label_smoothing" }
        against = { "loss.kind" = "cross_entropy" }
        within = { "noise.eta" = { above = 0.0 } }
        beyond = { "noise.eta" = 0.0 }
        expect = "above"
    "#;
    let runs = |gain: f64| -> Vec<SyntheticRun> {
        let mut runs = Vec::new();
        for seed in 0..8 {
            for (eta, level) in [(0.0, 0), (0.2, 1)] {
                for (loss, more) in [
                    (json!({"kind": "cross_entropy"}), 0.0),
                    (smoothing(), 0.01 + gain * eta),
                ] {
                    let accuracy = 0.9 + more + 0.002 * jitter(seed, level);
                    let settings = [("loss", loss), ("noise.eta", json!(eta))];
                    runs.push(run(
                        &settings,
                        seed,
                        record(0.5, accuracy + 0.001 * jitter(seed, 9 + level), 0.9),
                    ));
                }
            }
        }
        // The pairs above share their jitter; give each run its own.
        for (index, synthetic) in runs.iter_mut().enumerate() {
            synthetic.epochs[0].test.as_mut().unwrap().accuracy += 0.004 * jitter(index as u64, 5);
        }
        runs
    };
    for (gain, verdict) in [
        (0.1, Verdict::Supported),
        (-0.1, Verdict::Refuted),
        (0.0, Verdict::Inconclusive),
    ] {
        let claim = &judge(claim, &runs(gain))[0];
        assert_eq!(
            claim.verdict, verdict,
            "{gain}: {:?} {:?}",
            claim.reason, claim.interval
        );
    }
}

const WITHIN: &str = r#"
    [[claim]]
    id = "within"
    statement = "As a network memorises, it dilates."
    test = "within_run"
    where = { "noise.eta" = { above = 0.0 } }
    dose = "memorized_as_given"
    response = "test.dilation"
    reference = { "noise.eta" = 0.0 }
    expect = "above"
"#;

/// Courses whose memorization grows in steps that differ between seeds. Log dilation grows by
/// `follow` times each step, plus `growth`, which all seeds share.
fn courses(follow: f64, growth: f64) -> Vec<SyntheticRun> {
    let mut runs = Vec::new();
    for seed in 0..8 {
        for eta in [0.0, 0.2] {
            let (mut memorised, mut log) = (0.1, -2.0);
            let epochs = (1..=20).map(|epoch| {
                let step = 0.02 + 0.018 * jitter(seed, epoch);
                memorised += step;
                log += growth + 0.002 * jitter(seed, 100 + epoch);
                if eta > 0.0 {
                    log += follow * step;
                }
                EpochRecord {
                    epoch: epoch as usize,
                    ..record(log.exp(), 0.9, memorised)
                }
            });
            runs.push(course(&[("noise.eta", json!(eta))], seed, epochs.collect()));
        }
    }
    runs
}

#[test]
fn within_run() {
    for (follow, growth, verdict) in [
        (2.0, 0.0, Verdict::Supported),
        (-2.0, 0.1, Verdict::Refuted),
        // Both grow, but their increments are independent.
        (0.0, 0.1, Verdict::Inconclusive),
    ] {
        let claim = &judge(WITHIN, &courses(follow, growth))[0];
        assert_eq!(
            claim.verdict, verdict,
            "{follow}: {:?} {:?}",
            claim.reason, claim.interval
        );
        assert_eq!(claim.conditions.len(), 1);
    }
}

#[test]
fn a_correlated_response_that_falls_is_refuted() {
    let claim = &judge(WITHIN, &courses(2.0, -0.2))[0];
    assert_eq!(claim.verdict, Verdict::Refuted);
    assert!(
        claim.interval.unwrap()[0] > 0.0,
        "the first condition holds"
    );
    assert!(
        claim
            .reason
            .as_ref()
            .unwrap()
            .contains("least memorized_as_given")
    );
}

#[test]
fn a_dose_equal_to_the_epoch_is_inconclusive() {
    let claim = &judge(
        &WITHIN.replace("memorized_as_given", "epoch"),
        &courses(2.0, 0.1),
    )[0];
    assert_eq!(claim.verdict, Verdict::Inconclusive);
    assert!(claim.effect.is_none_or(|effect| effect.abs() < 1e-12));
}

const CAPACITY: &str = r#"
    [[claim]]
    id = "capacity"
    statement = "Networks that memorise more dilate more."
    test = "dose"
    where = { "noise.eta" = { above = 0.0 } }
    over = "model.width"
    dose = "memorized_as_given"
    response = "test.dilation"
    reference = { "noise.eta" = 0.0 }
    expect = "above"
"#;

#[test]
fn dose() {
    let runs = |slope: f64| -> Vec<SyntheticRun> {
        let mut runs = Vec::new();
        for seed in 0..8 {
            for (index, width) in [4, 8, 16, 32, 64].into_iter().enumerate() {
                let memorised = 0.2 * index as f64 + 0.05 * jitter(seed, index as u64);
                // Wider networks dilate less without noise, so only the ratio has the effect.
                let clean = 1.0 / width as f64;
                let noisy =
                    clean * (slope * memorised + 0.3 * jitter(seed, 50 + index as u64)).exp();
                let at = |eta: f64| [("noise.eta", json!(eta)), ("model.width", json!(width))];
                runs.push(run(&at(0.0), seed, record(clean, 0.9, 0.0)));
                runs.push(run(&at(0.2), seed, record(noisy, 0.9, memorised)));
            }
        }
        runs
    };
    for (slope, verdict) in [
        (2.0, Verdict::Supported),
        (-2.0, Verdict::Refuted),
        (0.0, Verdict::Inconclusive),
    ] {
        let claim = &judge(CAPACITY, &runs(slope))[0];
        assert_eq!(
            claim.verdict, verdict,
            "{slope}: {:?} {:?}",
            claim.reason, claim.interval
        );
    }
}

const TREND: &str = r#"
    [[claim]]
    id = "nc2"
    statement = "The classifier continues to approach a frame."
    test = "trend"
    quantity = "nc2_etf"
    scale = "difference"
    from = { quantity = "accuracy", at_least = 0.999 }
    baseline = "nc2_etf_random"
    expect = "below"
"#;

/// Training error vanishes at epoch 10. NC2 falls until then and changes by `after` from epoch 10
/// to the end.
fn fitted(after: f64, random: f64, fits: bool) -> Vec<SyntheticRun> {
    let of_seed = |seed: u64| {
        let epochs = (1..=20).map(|epoch: u64| {
            let late = (epoch as f64 - 10.0).max(0.0) / 10.0;
            let early = (10.0 - epoch as f64).max(0.0) / 10.0;
            EpochRecord {
                epoch: epoch as usize,
                accuracy: Some(if epoch >= 10 && fits { 1.0 } else { 0.9 }),
                nc2_etf: Some(0.4 + 0.3 * early + after * late + 0.01 * late * jitter(seed, 3)),
                nc2_etf_random: Some(random),
                ..record(0.5, 0.9, 0.9)
            }
        });
        course(&[], seed, epochs.collect())
    };
    (0..8).map(of_seed).collect()
}

#[test]
fn trend() {
    for (after, random, verdict) in [
        (-0.1, 0.5, Verdict::Supported),
        // The fall before the network fits its data is not counted.
        (0.1, 0.6, Verdict::Refuted),
        (0.0, 0.5, Verdict::Inconclusive),
        // NC2 falls, but a random classifier is closer to a frame.
        (-0.1, 0.2, Verdict::Refuted),
    ] {
        let claim = &judge(TREND, &fitted(after, random, true))[0];
        assert_eq!(
            claim.verdict, verdict,
            "{after}: {:?} {:?}",
            claim.reason, claim.interval
        );
    }
    let claim = &judge(TREND, &fitted(-0.1, 0.5, false))[0];
    assert_eq!((claim.verdict, claim.n), (Verdict::Inconclusive, 0));
    assert!(
        claim.notes[0].contains("accuracy never reached 0.999"),
        "{:?}",
        claim.notes
    );
}

const PREDICTION: &str = r#"
    [[claim]]
    id = "theory"
    statement = "The model predicts rho."
    test = "prediction"
    fit = { "loss.kind" = "cross_entropy", "noise.eta" = [0.0, 0.2] }
"#;

/// Runs whose rho is a mixture of the model's prediction and of a line in the noise level that is
/// the same for all losses.
fn measured(share_of_model: impl Fn(u64) -> f64) -> Vec<SyntheticRun> {
    use memdil_theory::{LossKind, MarginLoss, MdSetting, memorization_dilation::solve};
    let mut runs = Vec::new();
    let losses = [
        (
            json!({"kind": "cross_entropy"}),
            MarginLoss::cross_entropy(),
        ),
        (smoothing(), MarginLoss::new(LossKind::Ls, 0.1).unwrap()),
    ];
    let rho = |eta: f64, loss: &MarginLoss| {
        let setting = MdSetting::new(5e-4, 5e-4).noise(eta / (1.0 - eta), 1.0);
        if eta > 0.0 {
            solve(&setting, loss).unwrap().rho().unwrap()
        } else {
            0.0
        }
    };
    for seed in 0..8 {
        let by_model = share_of_model(seed);
        for eta in [0.0, 0.2, 0.4] {
            for (json, loss) in &losses {
                let line = rho(0.2, &losses[0].1) / 0.2 * eta;
                let exact = 0.1 + by_model * rho(eta, loss) + (1.0 - by_model) * line;
                let found = exact + 0.004 * jitter(seed, (eta * 10.0) as u64);
                let mut last = record(0.5, 0.9, 0.9);
                // The constraint is tight, so that a fit finds eta nu / C_MD = rho of the model.
                last.memorization_mean = (eta > 0.0).then(|| rho(eta, loss) * (1.0 - eta) / eta);
                let test = last.test.as_mut().unwrap();
                (test.rho_nc1, test.separation) = (Some(found), Some(1.0));
                runs.push(run(
                    &[("loss", json.clone()), ("noise.eta", json!(eta))],
                    seed,
                    last,
                ));
            }
        }
    }
    runs
}

#[test]
fn prediction() {
    let claim = &judge(PREDICTION, &measured(|_| 1.0))[0];
    assert_eq!(claim.verdict, Verdict::Supported, "{:?}", claim.reason);
    assert!(
        claim
            .notes
            .iter()
            .any(|note| note.starts_with("R² out of sample")),
        "{:?}",
        claim.notes
    );
    let claim = &judge(PREDICTION, &measured(|_| 0.0))[0];
    assert_eq!(claim.verdict, Verdict::Refuted, "{:?}", claim.reason);
    // The model holds for one half of the seeds, the line for the other half.
    let claim = &judge(PREDICTION, &measured(|seed| (seed % 2) as f64))[0];
    assert_eq!(claim.verdict, Verdict::Inconclusive, "{:?}", claim.interval);
}

/// Runs whose rho is that of jumps with a relative slope of constant 1.5, or a line with the same
/// rho at noise 0 and 0.2.
fn jumping(share_of_model: impl Fn(u64) -> f64) -> Vec<SyntheticRun> {
    use memdil_theory::{JumpDilation, Jumps};
    let jumps = |noise: f64| {
        let dose = 2.0 * noise / (1.0 - noise) / 1.5;
        let found = JumpDilation::after_collapse(Jumps::new(dose).unwrap());
        (0.04 / found.shrink.powi(2) + found.nc1).sqrt()
    };
    let mut runs = Vec::new();
    for seed in 0..8 {
        for eta in [0.0, 0.1, 0.2, 0.3, 0.4] {
            for loss in [json!({"kind": "cross_entropy"}), smoothing()] {
                let line = 0.2 + (jumps(0.2) - 0.2) / 0.2 * eta;
                let share = share_of_model(seed);
                let exact = share * jumps(eta) + (1.0 - share) * line;
                let rho = exact + 0.002 * jitter(seed, (eta * 10.0) as u64);
                let mut last = record(rho * rho, 0.9, 0.9);
                last.memorization_mean = (eta > 0.0).then_some(1.0);
                let test = last.test.as_mut().unwrap();
                (test.rho_nc1, test.separation) = (Some(rho), Some(1.0));
                let settings = [("loss", loss), ("noise.eta", json!(eta))];
                runs.push(run(&settings, seed, last));
            }
        }
    }
    runs
}

#[test]
fn prediction_of_another_model() {
    let text = PREDICTION.replace("fit =", "model = \"jumps-relative\"\n    fit =");
    let claim = &judge(&text, &jumping(|_| 1.0))[0];
    assert_eq!(claim.verdict, Verdict::Supported, "{:?}", claim.reason);
    let claim = &judge(&text, &jumping(|_| 0.0))[0];
    assert_eq!(claim.verdict, Verdict::Refuted, "{:?}", claim.reason);
    let claim = &judge(&text, &jumping(|seed| (seed % 2) as f64))[0];
    assert_eq!(claim.verdict, Verdict::Inconclusive, "{:?}", claim.interval);
    // Against the memorization-dilation model, whose loss and penalties have no effect here.
    let against = text.replace("fit =", "against = \"memorization-dilation\"\n    fit =");
    let claim = &judge(&against, &jumping(|_| 1.0))[0];
    assert_eq!(claim.verdict, Verdict::Supported, "{:?}", claim.reason);
    assert!(claim.conditions.is_empty());
    let reversed = against
        .replace(
            "model = \"jumps-relative\"",
            "model = \"memorization-dilation\"",
        )
        .replace(
            "against = \"memorization-dilation\"",
            "against = \"jumps-relative\"",
        );
    let claim = &judge(&reversed, &jumping(|_| 1.0))[0];
    assert_eq!(claim.verdict, Verdict::Refuted, "{:?}", claim.reason);
}

#[test]
fn panels_and_their_mean_have_verdicts() {
    let mut runs = pairs(0.7, 8);
    for seed in 0..8 {
        let wide = ("model.width", json!(128));
        runs.push(run(
            std::slice::from_ref(&wide),
            seed,
            record(0.5, 0.9, 0.9),
        ));
        let noise = (0.05 * jitter(seed, 4)).exp();
        runs.push(run(
            &[wide, ("loss", smoothing())],
            seed,
            record(0.6 * noise, 0.9, 0.9),
        ));
    }
    let claims = judge(LS_DILATION, &runs);
    let found: Vec<(&str, Verdict)> = claims.iter().map(|c| (c.id.as_str(), c.verdict)).collect();
    let id = "synthetic/fashion-mnist/ls";
    let expected = [
        (format!("{id}/width-64"), Verdict::Supported),
        (format!("{id}/width-128"), Verdict::Refuted),
        (format!("{id}/mean"), Verdict::Supported),
    ];
    assert_eq!(found.len(), 3);
    for ((id, verdict), (expected_id, expected)) in found.iter().zip(&expected) {
        assert_eq!(*id, expected_id);
        assert_eq!(verdict, expected, "{id}");
    }
    assert_eq!(claims[0].family, Some(3));
}

#[test]
fn a_missing_p_counts_as_one_and_the_plan_fixes_the_family() {
    let two = LS_DILATION.to_owned()
        + &LS_DILATION
            .replace("\"ls\"", "\"ece\"")
            .replace("test.dilation", "test.ece");
    let runs = pairs(0.7, 8);
    let claims = judge(&two, &runs);
    assert_eq!(claims[0].family, Some(2));
    // Holm doubles p because the other test counts although it has no p.
    let (p, corrected) = (claims[0].p.unwrap(), claims[0].p_holm.unwrap());
    assert!((corrected / p - 2.0).abs() < 1e-9);
    assert_eq!(
        (claims[1].verdict, claims[1].p_holm),
        (Verdict::Inconclusive, Some(1.0))
    );
    // Planned seeds that did not run are reported as missing.
    let planned: Vec<_> = pairs(0.7, 10)
        .into_iter()
        .map(|synthetic| synthetic.spec)
        .collect();
    let claim = &judge_planned(LS_DILATION, &planned, &runs)[0];
    assert_eq!(claim.n, 8);
    assert!(
        claim
            .notes
            .iter()
            .any(|note| note == "2 values are missing: not run."),
        "{:?}",
        claim.notes
    );
}

#[test]
fn verdicts_are_independent_of_other_data_sets() {
    let runs = pairs(0.7, 8);
    let alone = judge(LS_DILATION, &runs);
    let mut more = pairs(0.7, 8);
    for seed in 0..8 {
        more.push(run(
            &[("data.source", json!("mnist"))],
            seed,
            record(0.5, 0.9, 0.9),
        ));
        let ls = [("data.source", json!("mnist")), ("loss", smoothing())];
        more.push(run(&ls, seed, record(0.9, 0.9, 0.9)));
    }
    let together = judge(LS_DILATION, &more);
    assert_eq!(together.len(), 2);
    assert_eq!(together[0], alone[0]);
    assert_eq!(together[1].verdict, Verdict::Refuted);
}
