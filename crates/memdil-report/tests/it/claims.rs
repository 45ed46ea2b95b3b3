//! Claims that are one value a seed, over made-up run folders: which runs they count, and how they
//! come out.

use std::fs;
use std::path::Path;

use memdil_records::{EpochRecord, RunRecord};
use memdil_report::{Claim, Report, ReportOptions, Verdict, write_report};

use crate::common::{Plan, Values, record, write};

fn report(runs: &Path) -> Report {
    let options = ReportOptions {
        runs: Some(runs.to_owned()),
        features: Vec::new(),
        out: runs.with_file_name("out"),
        manifests: Vec::new(),
        reference: None,
        theory: false,
        command: None,
    };
    write_report(&options).unwrap()
}

fn report_of(records: &[RunRecord]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    records
        .iter()
        .for_each(|record| _ = write(&folder.path().join("runs"), record));
    report(&folder.path().join("runs"))
}

fn claim<'a>(report: &'a Report, id: &str) -> &'a Claim {
    report.claims.iter().find(|claim| claim.id == id).unwrap()
}

fn values(dilation: f64, accuracy: f64) -> Values {
    Values {
        dilation,
        memorization: 0.5 + dilation,
        accuracy,
    }
}

/// CE and LS at two noise levels; of LS the dilation is that of CE times `factor`.
fn pair(plan: Plan, eta: f64, factor: f64) -> [RunRecord; 2] {
    let jitter = 1.0 + 0.01 * (plan.seed % 3) as f64;
    [("CE", 1.0), ("LS", factor * jitter)].map(|(loss, factor)| {
        let dilation = (0.05 + eta) * factor * if eta > 0.0 { 1.0 } else { 0.5 };
        record(
            &Plan {
                loss,
                eta,
                ..plan.clone()
            },
            values(dilation, 0.9),
        )
    })
}

#[test]
fn cells_of_few_seeds_are_shown_and_decide_nothing_beside_cells_of_six() {
    let mut records = Vec::new();
    for seed in 0..8 {
        for eta in [0.0, 0.2, 0.4] {
            records.extend(pair(Plan::new("CE", eta, seed), eta, 0.5));
        }
    }
    let alone = report_of(&records);
    // Two seeds of another pair say the opposite, loudly.
    for seed in 0..2 {
        for eta in [0.0, 0.2] {
            records.extend(pair(
                Plan {
                    classes: [2, 4],
                    ..Plan::new("CE", eta, seed)
                },
                eta,
                50.0,
            ));
        }
    }
    let mixed = report_of(&records);
    for name in ["a", "b-ls"] {
        let id = format!("memorization-dilation/fashion-mnist-embedded/{name}");
        let (alone, mixed) = (claim(&alone, &id), claim(&mixed, &id));
        assert_eq!(
            (alone.verdict, mixed.n),
            (Verdict::Supported, 8),
            "{mixed:?}"
        );
        let decided = |claim: &Claim| {
            (
                claim.verdict,
                claim.effect,
                claim.interval,
                claim.p,
                claim.p_holm,
            )
        };
        assert_eq!(decided(alone), decided(mixed));
        assert!(
            mixed.cells.len() > alone.cells.len() && mixed.cells.iter().any(|cell| cell.n == 2),
            "{mixed:?}"
        );
        assert!(
            mixed
                .notes
                .iter()
                .any(|note| note.starts_with("Cells with fewer than 6 seeds")),
            "{mixed:?}"
        );
        assert!(
            !alone
                .notes
                .iter()
                .any(|note| note.starts_with("Cells with fewer")),
            "{alone:?}"
        );
    }
    // Where no cell has six, all take part, and nothing is decided.
    let few: Vec<RunRecord> = records
        .into_iter()
        .filter(|record| record.spec.seed < 2)
        .collect();
    let few = report_of(&few);
    let smoothing = claim(&few, "memorization-dilation/fashion-mnist-embedded/b-ls");
    assert_eq!((smoothing.verdict, smoothing.n), (Verdict::Inconclusive, 2));
    assert!(smoothing.effect.unwrap() > 0.0, "{smoothing:?}");
}

#[test]
fn accuracy_after_a_search_is_compared_in_points() {
    let mut records = Vec::new();
    for seed in 0..9 {
        for (loss, gain) in [("CE", 0.0), ("LS", 0.02), ("LR", -0.03)] {
            let plan = Plan {
                experiment: "generalization",
                ..Plan::new(loss, 0.2, seed)
            };
            records.push(record(
                &plan,
                values(0.3, 0.9 + gain * (1.0 + 0.1 * (seed % 2) as f64)),
            ));
            // Without noise nothing is claimed: this must not count.
            let plan = Plan { eta: 0.0, ..plan };
            records.push(record(&plan, values(0.3, 0.95 - 10.0 * gain)));
        }
    }
    let report = report_of(&records);
    assert_eq!(report.claims.len(), 2);
    let (smoothing, relaxation) = (
        claim(&report, "generalization/fashion-mnist-embedded/ls"),
        claim(&report, "generalization/fashion-mnist-embedded/lr"),
    );
    assert_eq!(
        (smoothing.verdict, relaxation.verdict),
        (Verdict::Supported, Verdict::Refuted)
    );
    // Five seeds at 2 points and four at 2.2.
    assert!(
        (smoothing.effect.unwrap() - (5.0 * 2.0 + 4.0 * 2.2) / 9.0).abs() < 1e-9,
        "{smoothing:?}"
    );
    assert_eq!((smoothing.n, smoothing.p), (9, Some(1.0 / 256.0)));
    assert!(
        report.terminal_table().contains("] points"),
        "{}",
        report.terminal_table()
    );
}

/// A run of large-scale with its epochs: NC1 of the training features goes from 2 to `nc1`.
fn large_scale(runs: &Path, seed: u64, eta: f64, nc1: f64, dilation: f64) {
    let mut record = record(
        &Plan {
            experiment: "large-scale",
            ..Plan::new("CE", eta, seed)
        },
        values(dilation, 0.8),
    );
    let last = record.last.as_mut().unwrap();
    last.nc1 = Some(nc1);
    let first = EpochRecord {
        epoch: 1,
        nc1: Some(2.0),
        ..last.clone()
    };
    let lines = [&first, last].map(|epoch| serde_json::to_string(epoch).unwrap() + "\n");
    let folder = write(runs, &record);
    fs::write(folder.metrics(), lines.concat()).unwrap();
}

#[test]
fn large_scale_asks_for_collapse_without_noise_and_for_dilation_with_it() {
    let outcome = |nc1: f64, noisy: f64| {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        for seed in 0..8 {
            let jitter = 1.0 + 0.02 * (seed % 3) as f64;
            large_scale(&runs, seed, 0.0, nc1 * jitter, 0.4);
            // The training features of noisy runs say nothing about collapse.
            large_scale(&runs, seed, 0.2, 8.0 * jitter, 0.4 * noisy * jitter);
        }
        // A noisy run whose clean partner is missing takes no part.
        large_scale(&runs, 8, 0.2, 0.1, 1e-6);
        let report = report(&runs);
        assert_eq!(report.claims.len(), 2);
        let find = |name: &str| {
            claim(
                &report,
                &format!("large-scale/fashion-mnist-embedded/{name}"),
            )
            .clone()
        };
        (find("collapse"), find("dilation"))
    };
    let (collapse, dilation) = outcome(0.1, 2.0);
    assert_eq!(
        (collapse.verdict, dilation.verdict),
        (Verdict::Supported, Verdict::Supported)
    );
    assert_eq!((collapse.n, dilation.n), (8, 8));
    // From 2 to 0.1 and a little more is a fall by 95%; twice the dilation and a little more is
    // +100%.
    assert!(
        (-95.0..-94.5).contains(&collapse.effect.unwrap()),
        "{collapse:?}"
    );
    assert!(
        (100.0..105.0).contains(&dilation.effect.unwrap()),
        "{dilation:?}"
    );
    let (collapse, dilation) = outcome(4.0, 0.5);
    assert_eq!(
        (collapse.verdict, dilation.verdict),
        (Verdict::Refuted, Verdict::Refuted)
    );
}

#[test]
fn large_scale_without_epochs_or_partners_says_what_is_missing() {
    let plan = Plan {
        experiment: "large-scale",
        ..Plan::new("CE", 0.2, 0)
    };
    let report = report_of(&[record(&plan, values(0.4, 0.8))]);
    let reasons: Vec<&str> = report
        .claims
        .iter()
        .map(|claim| claim.reason.as_deref().unwrap())
        .collect();
    assert!(
        reasons[0].starts_with("no completed run without noise"),
        "{reasons:?}"
    );
    assert_eq!(reasons[1], "no completed run with noise beside one without");
}
