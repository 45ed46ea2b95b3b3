//! Scores of the samples of a batch, and the training step whose logits they use.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use memdil_records::RunSpec;
use memdil_runner::{FusedMlp, Network, TrainingScores};
use serde_json::json;

const INPUTS: usize = 3072;
const CLASSES: usize = 10;

fn scores(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scores");
    for (depth, width, batch) in [(4, 512, 128), (9, 2048, 16)] {
        let spec = json!({
            "experiment": "scores", "seed": 0, "loss": {"kind": "cross_entropy"},
            "data": {"source": "cifar-10", "classes": (0..CLASSES).collect::<Vec<_>>()},
            "noise": {"kind": "uniform", "eta": 0.2},
            "model": {"kind": "mlp", "depth": depth, "width": width},
            "optimizer": {"kind": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 5e-4},
            "schedule": {"kind": "step", "patience": 1, "gamma": 1.0},
            "training": {"epochs": 1, "batch_size": batch, "evaluate_every": 1},
        });
        let spec: RunSpec = serde_json::from_value(spec).expect("a specification");
        let mut network = FusedMlp::new(&spec, INPUTS, CLASSES).expect("a network");
        let clean: Vec<u32> = (0..batch).map(|i| (i % CLASSES) as u32).collect();
        let labels = spec.noise.inject(&clean, CLASSES, 0).expect("labels");
        let value = |i: usize| ((i * 7919 % 1000) as f32 - 500.0) / 250.0;
        let inputs: Vec<f32> = (0..batch * INPUTS).map(value).collect();
        let indices: Vec<usize> = (0..batch).collect();
        let mut step = || {
            network
                .step(&inputs, labels.observed(), &spec.loss, 0.01)
                .expect("a step")
        };
        let logits = step().logits;
        let mut scores = TrainingScores::new(batch);
        let size = format!("{depth}/{width}/{batch}");
        group.bench_function(BenchmarkId::new("step", &size), |b| b.iter(&mut step));
        group.bench_function(BenchmarkId::new("scores", &size), |b| {
            b.iter(|| scores.add(1, &indices, &logits, &labels));
        });
    }
    group.finish();
}

criterion_group!(benches, scores);
criterion_main!(benches);
