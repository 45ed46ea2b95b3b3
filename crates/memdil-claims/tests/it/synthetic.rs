//! Synthetic runs: planned specifications with made-up records.

use std::fs;

use memdil_claims::{Claim, Declaration, Family, Finished};
use memdil_records::{EpochRecord, Provenance, RunFolder, RunRecord, RunSpec, Status, TestRecord};
use serde_json::{Value, json};
use tempfile::TempDir;
use toml::Table;

/// A planned run with the records of its epochs.
pub(crate) struct SyntheticRun {
    pub(crate) spec: RunSpec,
    pub(crate) epochs: Vec<EpochRecord>,
}

/// A run with these settings (dotted names) and one evaluation.
pub(crate) fn run(settings: &[(&str, Value)], seed: u64, last: EpochRecord) -> SyntheticRun {
    course(settings, seed, vec![last])
}

/// A run with these evaluations.
pub(crate) fn course(
    settings: &[(&str, Value)],
    seed: u64,
    epochs: Vec<EpochRecord>,
) -> SyntheticRun {
    let mut spec = json!({
        "experiment": "synthetic", "seed": seed, "loss": {"kind": "cross_entropy"},
        "data": {"source": "fashion-mnist", "classes": [0, 1], "input": "native", "validation": 0.0},
        "noise": {"kind": "uniform", "eta": 0.2}, "model": {"kind": "mlp", "depth": 4, "width": 64},
        "optimizer": {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.0005},
        "schedule": {"kind": "step", "patience": 6, "gamma": 0.1},
        "training": {"epochs": 20, "batch_size": 128, "evaluate_every": 1}
    });
    for (name, value) in settings {
        let pointer = format!("/{}", name.replace('.', "/"));
        match spec.pointer_mut(&pointer) {
            Some(place) => *place = value.clone(),
            None => {
                let (table, key) = name.rsplit_once('.').unwrap();
                spec[table][key] = value.clone();
            }
        }
    }
    let mut spec: RunSpec = serde_json::from_value(spec).unwrap();
    spec.resolve();
    SyntheticRun { spec, epochs }
}

/// A record with a dilation, a test accuracy and a memorised share.
pub(crate) fn record(dilation: f64, accuracy: f64, memorised: f64) -> EpochRecord {
    EpochRecord {
        epoch: 20,
        memorized_as_given: Some(memorised),
        test: Some(TestRecord {
            accuracy,
            dilation: Some(dilation),
            ..TestRecord::default()
        }),
        ..EpochRecord::default()
    }
}

pub(crate) fn declarations(text: &str) -> Result<Vec<Declaration>, String> {
    let file: Table = text.parse().unwrap();
    let claims = file["claim"].as_array().unwrap().iter();
    let tables: Vec<Table> = claims
        .map(|claim| claim.as_table().unwrap().clone())
        .collect();
    Declaration::read(&tables).map_err(|e| e.to_string())
}

/// The verdicts of claims on runs.
pub(crate) fn judge(text: &str, runs: &[SyntheticRun]) -> Vec<Claim> {
    judge_planned(
        text,
        &runs.iter().map(|run| run.spec.clone()).collect::<Vec<_>>(),
        runs,
    )
}

/// The verdicts of claims on some of the planned runs.
pub(crate) fn judge_planned(text: &str, planned: &[RunSpec], runs: &[SyntheticRun]) -> Vec<Claim> {
    let folder = TempDir::new().unwrap();
    let finished: Vec<(RunRecord, RunFolder)> = runs
        .iter()
        .enumerate()
        .map(|(index, synthetic)| {
            finish(
                synthetic,
                RunFolder::new(folder.path().join(index.to_string())),
            )
        })
        .collect();
    let finished: Vec<Finished<'_>> = finished
        .iter()
        .map(|(record, folder)| Finished {
            planned: &record.spec,
            record,
            folder,
        })
        .collect();
    let declarations = declarations(text).unwrap();
    let families = Family::of(&declarations, None, planned).unwrap();
    families
        .iter()
        .flat_map(|family| family.judge(&finished).unwrap())
        .collect()
}

fn finish(synthetic: &SyntheticRun, folder: RunFolder) -> (RunRecord, RunFolder) {
    fs::create_dir_all(folder.path()).unwrap();
    let lines: String = synthetic
        .epochs
        .iter()
        .map(|epoch| serde_json::to_string(epoch).unwrap() + "\n")
        .collect();
    fs::write(folder.metrics(), lines).unwrap();
    let record = RunRecord {
        format: RunRecord::FORMAT,
        id: memdil_records::run_id(&synthetic.spec),
        spec: synthetic.spec.clone(),
        status: Status::Completed,
        reason: None,
        requested_noise: synthetic.spec.noise.requested(),
        realised_noise: synthetic.spec.noise.requested(),
        samples: [100, 0, 100],
        parameters: 1,
        last: synthetic.epochs.last().cloned(),
        seconds: 1.0,
        provenance: Provenance {
            version: String::new(),
            commit: String::new(),
            lockfile_sha256: String::new(),
            rustc: String::new(),
            platform: String::new(),
            cpu: String::new(),
            cpu_features: Vec::new(),
            threads: 1,
            device: String::new(),
            started_unix: 0,
        },
    };
    (record, folder)
}

/// A pseudorandom number in [-1, 1], determined by `a` and `b`.
pub(crate) fn jitter(a: u64, b: u64) -> f64 {
    let mut x =
        (a + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (b + 7).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 30;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 27;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}
