//! Metrics compared with the textbook formula, at the sizes of an MLP run and of large evaluations.
//!
//! `sigma_w` is the largest part of the textbook formula of NC1: the within-class covariance as a
//! (features, features) matrix, without the pseudo-inverse. `nc1` is our complete computation.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use memdil_metrics::{Measure, Moments, class_means, ece, memorization, nc1};
use ndarray::{Array1, Array2, ArrayView2};

/// Deterministic features around a corner per class, far from collapsed.
fn features(n: usize, d: usize, classes: usize) -> (Array2<f32>, Vec<u32>) {
    let noise =
        |i: usize, j: usize| ((i * 31 + j * 17) * 2_654_435_761 % 1009) as f32 / 1009.0 - 0.5;
    let corner = |k: usize, j: usize| if j % classes == k { 2.0 } else { 0.0 };
    let labels: Vec<u32> = (0..n).map(|i| (i % classes) as u32).collect();
    (
        Array2::from_shape_fn((n, d), |(i, j)| corner(i % classes, j) + noise(i, j)),
        labels,
    )
}

/// The within-class covariance, (d, d).
fn sigma_w(h: ArrayView2<'_, f32>, y: &[u32], classes: usize) -> Option<Array2<f32>> {
    let means = class_means(h, y, classes)
        .ok()?
        .means
        .mapv(|mean| mean as f32);
    let mut residuals = h.to_owned();
    for (mut row, &class) in residuals.rows_mut().into_iter().zip(y) {
        row -= &means.row(class as usize);
    }
    Some(residuals.t().dot(&residuals) / y.len() as f32)
}

fn kernels(criterion: &mut Criterion) {
    for (n, d, classes) in [
        (12_000, 2, 2),
        (50_000, 512, 10),
        (50_000, 2048, 100),
        (1_000_000, 64, 10),
    ] {
        let (h, y) = features(n, d, classes);
        let clean: Vec<u32> = y
            .iter()
            .enumerate()
            .map(|(i, &k)| if i % 5 == 0 { 0 } else { k })
            .collect();
        let classifier =
            Array2::from_shape_fn(
                (classes, d),
                |(k, j)| if j % classes == k { 0.5_f32 } else { -0.1 },
            );
        let bias = Array1::<f32>::zeros(classes);
        let all = Measure::new(h.view(), &y, classes)
            .clean_labels(&clean)
            .classifier(classifier.view())
            .bias(bias.view());
        let size = format!("{n}x{d}x{classes}");
        let mut group = criterion.benchmark_group("metrics");
        group
            .sample_size(10)
            .throughput(Throughput::Bytes((n * d * 4) as u64));
        group.bench_function(BenchmarkId::new("sigma_w", &size), |b| {
            b.iter(|| sigma_w(h.view(), &y, classes))
        });
        group.bench_function(BenchmarkId::new("nc1", &size), |b| {
            b.iter(|| nc1(h.view(), &y, classes))
        });
        group.bench_function(BenchmarkId::new("first-pass", &size), |b| {
            b.iter(|| Moments::of(h.view(), &y, None, classes))
        });
        group.bench_function(BenchmarkId::new("memorization", &size), |b| {
            b.iter(|| memorization(h.view(), &y, &clean, classes))
        });
        group.bench_function(BenchmarkId::new("all", &size), |b| b.iter(|| all.run()));
        if d >= classes {
            let logits = h.slice(ndarray::s![.., ..classes]);
            group.bench_function(BenchmarkId::new("ece", &size), |b| {
                b.iter(|| ece(logits, &y))
            });
        }
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
