//! Synthetic run folders for tests, written with memdil-records.

use std::path::Path;

use memdil_claims::Declaration;
use memdil_records::{
    EpochRecord, Provenance, RunFolder, RunRecord, RunSpec, Snapshot, SnapshotPart, Status,
    TestRecord, run_id,
};
use memdil_report::{Page, ReportedExperiment};
use ndarray::{Array1, Array2};
use serde_json::json;

/// The settings that distinguish synthetic runs.
#[derive(Clone, Debug)]
pub(crate) struct MadeUpRun {
    pub(crate) experiment: &'static str,
    pub(crate) classes: [u32; 2],
    pub(crate) width: usize,
    pub(crate) loss: &'static str,
    pub(crate) eta: f64,
    pub(crate) seed: u64,
}

impl MadeUpRun {
    pub(crate) fn new(loss: &'static str, eta: f64, seed: u64) -> Self {
        Self {
            experiment: "memorization-dilation",
            classes: [0, 1],
            width: 256,
            loss,
            eta,
            seed,
        }
    }
}

/// The measured values of a synthetic run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values {
    pub(crate) dilation: f64,
    pub(crate) memorization: f64,
    pub(crate) accuracy: f64,
}

pub(crate) fn spec(plan: &MadeUpRun) -> RunSpec {
    let loss = match plan.loss {
        "CE" => json!({"kind": "cross_entropy"}),
        "LS" => json!({"kind": "label_smoothing", "alpha": 0.1}),
        "LR" => json!({"kind": "label_relaxation", "alpha": 0.1}),
        _ => json!({"kind": "mse"}),
    };
    let spec = json!({
        "experiment": plan.experiment, "seed": plan.seed, "loss": loss,
        "data": {"source": "fashion-mnist-embedded", "classes": plan.classes, "input": "native", "validation": 0.0},
        "noise": {"kind": "uniform", "eta": plan.eta},
        "model": {"kind": "mlp", "depth": 4, "width": plan.width},
        "optimizer": {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 5e-4},
        "schedule": {"kind": "step", "patience": 30, "gamma": 0.1},
        "training": {"epochs": 90, "batch_size": 64, "evaluate_every": 10},
    });
    serde_json::from_value(spec).unwrap()
}

pub(crate) fn record(plan: &MadeUpRun, values: Values) -> RunRecord {
    let spec = spec(plan);
    let noisy = plan.eta > 0.0;
    let separation = 2.5;
    let corrupted = 1200.0 * plan.eta / 2.0;
    let last = EpochRecord {
        epoch: 90,
        learning_rate: 5e-4,
        loss: 0.02,
        accuracy: Some(0.99),
        nc1: Some(0.05 + 2.0 * plan.eta),
        nc1_all: Some(0.06 + 2.0 * plan.eta),
        nc2_etf: Some(0.31),
        nc3: Some(0.12),
        bias_collapse: Some(0.4),
        ece: Some(0.01),
        memorization_sum: Some(values.memorization * separation * corrupted),
        memorization_mean: noisy.then_some(values.memorization * separation),
        memorized_as_given: noisy.then_some(0.9),
        memorized_as_clean: noisy.then_some(0.1),
        memorized_as_other: noisy.then_some(0.0),
        separation: Some(separation),
        test: Some(TestRecord {
            loss: 0.4,
            accuracy: values.accuracy,
            ece: Some(0.05),
            dilation: Some(values.dilation),
            rho: Some(values.dilation.sqrt()),
            rho_nc1: Some(values.dilation.sqrt()),
            radius: Some(1.0),
            separation: Some(2.0),
            dilation_correct: Some(0.5 * values.dilation),
            rho_correct: Some((0.5 * values.dilation).sqrt()),
        }),
        seconds: 0.04,
        ..EpochRecord::default()
    };
    RunRecord {
        format: RunRecord::FORMAT,
        id: run_id(&spec),
        status: Status::Completed,
        reason: None,
        requested_noise: plan.eta,
        realised_noise: plan.eta / 2.0,
        samples: [1200, 0, 200],
        parameters: 333_000,
        last: Some(last),
        seconds: 4.2 + plan.seed as f64 / 10.0,
        provenance: provenance(),
        spec,
    }
}

pub(crate) fn provenance() -> Provenance {
    Provenance {
        version: "0.1.0".into(),
        commit: "0123abcd".into(),
        lockfile_sha256: "ab".repeat(32),
        rustc: "rustc 1.95.0".into(),
        platform: "linux x86_64".into(),
        cpu: "Some <b>CPU</b> & co".into(),
        cpu_features: vec!["avx2".into(), "fma".into()],
        threads: 1,
        device: "cpu".into(),
        started_unix: 1_795_392_000,
    }
}

pub(crate) fn diverged(plan: &MadeUpRun, reason: &str) -> RunRecord {
    let mut record = record(
        plan,
        Values {
            dilation: 1.0,
            memorization: 1.0,
            accuracy: 0.5,
        },
    );
    (record.status, record.reason, record.last) = (Status::Diverged, Some(reason.to_owned()), None);
    record
}

/// Writes a record into its folder below `runs`.
pub(crate) fn write(runs: &Path, record: &RunRecord) -> RunFolder {
    let folder = RunFolder::new(runs.join(&record.id));
    std::fs::create_dir_all(folder.path()).unwrap();
    folder.write_record(record).unwrap();
    folder
}

/// A deterministic generator of pseudo-random numbers in [0, 1).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An approximately normal number: the centred sum of twelve uniform numbers.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// Features of two classes on the axes; memorised corrupted samples are at the other class.
pub(crate) fn snapshot(plan: &MadeUpRun, spread: f64) -> Snapshot {
    let mut noise = Noise(
        plan.seed * 977
            + (plan.eta * 1000.0) as u64
            + plan.loss.len() as u64 * 31
            + plan.width as u64,
    );
    let mut part = |n: usize, spread: f64, noisy: bool| {
        let (mut features, mut labels, mut clean) =
            (Array2::zeros((n, 2)), Array1::zeros(n), Array1::zeros(n));
        for i in 0..n {
            clean[i] = u32::from(i >= n / 2);
            labels[i] = if noisy && noise.next() < plan.eta / 2.0 {
                1 - clean[i]
            } else {
                clean[i]
            };
            let place = if noise.next() < 0.9 {
                labels[i]
            } else {
                clean[i]
            } as usize;
            // Test samples drift towards the other class, which imitates dilation.
            let drift = if noisy {
                0.0
            } else {
                spread * noise.next().powi(4) * 3.0
            };
            features[[i, place]] = (2.0 - drift + 0.35 * spread * noise.normal()).max(0.0) as f32;
            features[[i, 1 - place]] = (drift + 0.3 * spread * noise.normal()).max(0.0) as f32;
        }
        SnapshotPart {
            logits: features.clone(),
            features,
            labels,
            clean_labels: clean,
        }
    };
    let (train, test) = (part(1200, 0.3 * spread, true), part(200, spread, false));
    Snapshot {
        train,
        test,
        classifier: ndarray::array![[1.9, -1.7], [-1.8, 1.9]],
        bias: ndarray::array![0.1, -0.15],
    }
}

/// All runs of a design in which each loss multiplies dilation by a factor.
pub(crate) fn design(seeds: u64, losses: &[(&'static str, f64)], etas: &[f64]) -> Vec<RunRecord> {
    let mut noise = Noise(11);
    let mut records = Vec::new();
    for seed in 0..seeds {
        for &eta in etas {
            for &(loss, factor) in losses {
                let jitter = (0.06 * noise.normal()).exp();
                let dilation = (0.03 + 1.4 * eta) * if eta > 0.0 { factor } else { 1.0 } * jitter;
                let memorization = (0.55 + eta + 0.04 * noise.normal()).max(0.05);
                let accuracy = 0.985 - 0.3 * eta + 0.003 * noise.normal();
                records.push(record(
                    &MadeUpRun::new(loss, eta, seed),
                    Values {
                        dilation,
                        memorization,
                        accuracy,
                    },
                ));
            }
        }
    }
    records
}

/// The claims that the experiment's file declares.
const CLAIMS: &str = r#"
    [[claim]]
    id = "noise-dilates"
    name = "noise dilates"
    statement = "Label noise spreads the features of unseen samples."
    test = "paired"
    quantity = "test.dilation"
    scale = "ratio"
    of = { "noise.eta" = { above = 0.0 } }
    against = { "noise.eta" = 0.0 }
    expect = "above"

    [[claim]]
    id = "ls-dilation"
    statement = "At equal noise, LS dilates less than CE."
    test = "paired"
    where = { "noise.eta" = { above = 0.0 } }
    quantity = "test.dilation"
    scale = "ratio"
    of = { "loss.kind" = "label_smoothing" }
    against = { "loss.kind" = "cross_entropy" }
    expect = "below"
"#;

/// An experiment whose plan consists of the given runs.
pub(crate) fn experiment(planned: &[RunRecord]) -> ReportedExperiment {
    claims_of("memorization-dilation", CLAIMS, planned)
}

pub(crate) fn claims_of(name: &str, claims: &str, planned: &[RunRecord]) -> ReportedExperiment {
    let file: toml::Table = claims.parse().unwrap();
    let tables = file["claim"].as_array().unwrap().iter();
    let tables: Vec<toml::Table> = tables.map(|t| t.as_table().unwrap().clone()).collect();
    let of_experiment = planned
        .iter()
        .filter(|record| record.spec.experiment == name);
    ReportedExperiment {
        name: name.to_owned(),
        page: Page::default(),
        declarations: Declaration::read(&tables).unwrap(),
        preset: None,
        planned: of_experiment.map(|record| record.spec.clone()).collect(),
    }
}

/// Checks that tags are balanced, attributes are quoted and ids are unique, and that the page loads
/// nothing and prints no undefined number.
pub(crate) fn check_page(page: &str) {
    // Links to the figures next to the page are allowed.
    let page = page.replace("href=\"figures/", "data-file=\"figures/");
    let page = page.as_str();
    for forbidden in ["NaN", "inf ", "src=", "href=", "@import", "url(", "<script"] {
        assert!(
            !page
                .replace("became NaN", "")
                .replace("is NaN", "")
                .contains(forbidden),
            "{forbidden:?} in the page"
        );
    }
    let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!elsewhere.contains("http:") && !elsewhere.contains("https:"));
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(
            !text.contains('>') || open.last() == Some(&"style"),
            "stray > in {text:?}"
        );
        let end = start + rest[start..].find('>').unwrap();
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap();
        if tag.starts_with('!') || tag.ends_with('/') {
            continue;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .map(|after| after.split('"').next().unwrap())
        .collect();
    let distinct: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
}
