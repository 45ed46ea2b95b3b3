//! Metric kernels at the sizes of an MLP run and of a large evaluation.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use memdil_metrics::{ece, memorization, nc1};
use ndarray::Array2;

/// Features around their class's corner, deterministic and far from collapsed.
fn features(n: usize, d: usize, classes: usize) -> (Array2<f32>, Vec<u32>) {
    let noise = |i: usize, j: usize| ((i * 31 + j * 17) * 2_654_435_761 % 1009) as f32 / 1009.0 - 0.5;
    let corner = |k: usize, j: usize| if j % classes == k { 2.0 } else { 0.0 };
    let labels: Vec<u32> = (0..n).map(|i| (i % classes) as u32).collect();
    (Array2::from_shape_fn((n, d), |(i, j)| corner(i % classes, j) + noise(i, j)), labels)
}

fn kernels(criterion: &mut Criterion) {
    for (n, d, classes) in [(12_000, 2, 2), (50_000, 512, 10)] {
        let (h, y) = features(n, d, classes);
        let clean: Vec<u32> = y.iter().enumerate().map(|(i, &k)| if i % 5 == 0 { 0 } else { k }).collect();
        let size = format!("{n}x{d}x{classes}");
        let mut group = criterion.benchmark_group("metrics");
        group.sample_size(10).throughput(Throughput::Bytes((n * d * 4) as u64));
        group.bench_function(BenchmarkId::new("nc1", &size), |b| b.iter(|| nc1(h.view(), &y, classes)));
        group.bench_function(BenchmarkId::new("memorization", &size), |b| {
            b.iter(|| memorization(h.view(), &y, &clean, classes))
        });
        group.bench_function(BenchmarkId::new("ece", &size), |b| b.iter(|| ece(h.view(), &y)));
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
